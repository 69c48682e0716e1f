/* track: what became of what one side said, octet by octet, and when it came.
 *
 * Goes along the wire of a recorded session. What the engine has cut off is
 * taken off the front of the track, as pieces:
 *
 *	track_take(&track, ev.raw, &run);
 *	for (size_t i = 0; i < run.n; i++)
 *		use(&run.pieces[i]);
 *
 * What smtptap made belongs to the octet it stands behind; in front of the first
 * octet of a segment, to that one. One thread; out of memory ends the program. */
#ifndef REPLAY_TRACK_H
#define REPLAY_TRACK_H

#include "record/store.h"

enum track_fate {
	TRACK_PASSED,		/* went on to the other side */
	TRACK_WITHHELD,		/* did not */
	TRACK_MADE,		/* that side never said it; the other got it */
};

struct track_piece {
	enum track_fate fate;
	struct span bytes;
};

/* Pieces in order; no two of one fate follow each other. */
struct track_run {
	int64_t from_us, t_us;	/* when the first and the last octet came */
	const struct track_piece *pieces;	/* good until the next take */
	size_t n;
	bool withheld, made;	/* there are pieces of that fate */
};

struct track {
	const struct store_wire *wire;
	enum smtp_side side;
	size_t segment;		/* of wire: where the next octet came from */
	size_t at;		/* octets of it that are done with */
	bool changed;		/* what was taken last was withheld or made */
	struct text pieces;
};

void track_open(struct track *, const struct store_wire *, enum smtp_side);
void track_close(struct track *);

/* raw is the next octets that side said; the pieces borrow from it. */
void track_take(struct track *, struct span raw, struct track_run *);

/* Of the next n octets, or what stands right before them, something was
 * withheld or made. */
bool track_changes(const struct track *, size_t n);

#endif
