/* walk: a recorded session once more through the engine, unit by unit.
 *
 *	walk_open(&walk, &wire);
 *	while (walk_next(&walk, &unit))
 *		use(&unit);
 *	walk_close(&walk);
 *
 * Units come in the order in which they were understood: what a side said is
 * a tile when the engine can tell what it is. The raw of the units of one side
 * laid end to end are what is kept of its bytes, passed on or not; sent laid end
 * to end, with the lines of OWN, what the other side was given.
 *
 * No policy is needed for that: what became of the bytes tells what the engine
 * was told when the session was recorded (a command that never reached the
 * server awaits no reply of it). Where octets were not
 * recorded, the engine is helped over the gap in mail content; elsewhere what
 * follows may be misread, never lost. One thread; not pure only in that it
 * allocates. Out of memory ends the program: it is run by hand. */
#ifndef REPLAY_WALK_H
#define REPLAY_WALK_H

#include "record/fate.h"
#include "replay/track.h"

enum walk_what {
	WALK_HEARD,	/* octets of that side have come; tiles will follow */
	WALK_TILE,	/* ev says what the engine made of the bytes */
	WALK_OWN,	/* a line of smtptap's own, sent as that side's */
	WALK_GAP,	/* octets of that side that were not recorded */
	WALK_FIN,	/* that side ended its stream */
	WALK_RESET,	/* that side reset the connection */
};

struct walk_unit {
	enum walk_what what;
	enum smtp_side side;
	int64_t from_us, t_us;	/* when the first and the last of it came */
	uint64_t octets;	/* as kept; GAP: how many are missing */
	/* these are good until the next call */
	struct smtp_event ev;	/* TILE; OWN: raw */
	enum tap_fate fate;	/* TILE: what became of it */
	struct track_run run;	/* TILE: the same piece by piece */
	struct span sent;	/* TILE: what the other side was given */
};

/* What one side has said and the engine has not cut off yet. */
struct walk_side {
	struct text bytes;
	size_t cut;		/* octets at the front that are done with */
	struct track track;
};

struct walk {
	const struct store_wire *wire;
	size_t next;		/* segment of wire */
	struct span own;	/* lines of our own of the one before, not told */
	struct smtp_session smtp;
	struct walk_side sides[2];
	enum smtp_side turn;	/* the side that spoke last */
	int64_t heard_us;	/* the segment that was told of last */
	struct text sent;	/* of the unit, if it was edited */
	uint64_t announced;	/* octets of the last XEXCH50 */
	uint64_t counted_left;	/* octets of it, or of BDAT, still to come */
	bool in_data;		/* between 354 and the end of data */
	bool holed;		/* and octets of it are missing */
	bool strict;		/* smtp_strict() holds */
	unsigned last_calls;	/* no segment is left */
};

void walk_open(struct walk *, const struct store_wire *);
bool walk_next(struct walk *, struct walk_unit *);
void walk_close(struct walk *);

#endif
