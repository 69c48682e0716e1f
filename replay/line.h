/* line: one line of the wire and what became of it, put together from pieces.
 *
 *	for (piece = ...; piece.bytes.n; )
 *		if (line_add(&line, &piece)) {
 *			use(&line);
 *			line_clear(&line);
 *		}
 *
 * What replaces octets belongs to their line, whole lines put in are lines of
 * their own, with nothing said. Zero-initialised is empty. One thread; out of
 * memory ends the program. */
#ifndef REPLAY_LINE_H
#define REPLAY_LINE_H

#include "replay/track.h"

struct line {
	struct text said;	/* what the side said of it */
	struct text sent;	/* what the other side was given */
	bool withheld;		/* octets of it were */
	int64_t from_us;	/* when it began; the caller's */
};

/* Move octets of the piece into the line. True: the line ends before what is
 * left of the piece. */
bool line_add(struct line *, struct track_piece *);

/* It has its line end; more may yet be put in its place. */
bool line_whole(const struct line *);

bool line_empty(const struct line *);

/* The other side was given something else. */
bool line_changed(const struct line *);
void line_clear(struct line *);
void line_free(struct line *);

#endif
