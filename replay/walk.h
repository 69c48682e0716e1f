/* walk: a recorded session once more through the engine, unit by unit.
 *
 *	walk_open(&walk, &wire);
 *	while (walk_next(&walk, &unit))
 *		use(&unit);
 *	walk_close(&walk);
 *
 * Units come in the order in which they were understood, by the turns of the
 * wire (record/turns.h); where it has none, what a side said is a tile as soon
 * as the engine can tell what it is. The raw of the units of one side
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
#include "replay/gap.h"
#include "replay/handshakes.h"
#include "replay/track.h"

enum walk_what {
	WALK_HEARD,	/* octets of that side have come; tiles will follow */
	WALK_TILE,	/* ev says what the engine made of the bytes */
	WALK_OWN,	/* a line of smtptap's own, sent as that side's */
	WALK_GAP,	/* octets of that side that were not recorded */
	WALK_SECURED,	/* that side came to TLS with smtptap: ev.raw says what is
			 * known of it (record/tls_text.h) */
	WALK_FIN,	/* that side ended its stream */
	WALK_RESET,	/* that side reset the connection */
};

struct walk_unit {
	enum walk_what what;
	enum smtp_side side;
	int64_t from_us, t_us;	/* when the first and the last of it came */
	uint64_t octets;	/* as kept; GAP: how many are missing */
	bool midway;		/* OWN: in the midst of a segment of that side */
	/* these are good until the next call */
	struct smtp_event ev;	/* TILE; OWN, SECURED: raw */
	enum tap_fate fate;	/* TILE: what became of it */
	struct track_run run;	/* TILE: the same piece by piece */
	struct span sent;	/* TILE: what the other side was given */
};

/* A line of our own, sent when so many octets of that side had been understood. */
struct walk_own {
	size_t segment;		/* of wire */
	uint64_t behind;
};

/* What one side has said and the engine has not cut off yet. */
struct walk_side {
	struct text bytes;
	size_t cut;		/* octets at the front that are done with */
	uint64_t heard, done;	/* octets in all */
	struct track track;
	struct text own;	/* struct walk_own: sent in the midst of a segment
				 * that was heard */
	size_t own_told;	/* of these */
};

struct walk {
	const struct store_wire *wire;
	size_t next;		/* segment of wire */
	size_t own_segment;	/* lines of our own are told from this one, */
	struct span own;	/* and these are left of it */
	bool own_midway;
	struct smtp_session smtp;
	struct walk_side sides[2];
	enum smtp_side turn;	/* the side that is looked at */
	bool moved;		/* and has had units since it is */
	unsigned still;		/* looks without any */
	struct walk_unit held;	/* to be told behind a line of our own */
	bool is_held;
	struct text sent;	/* of the unit, if it was edited */
	struct gap gap;
	bool strict;		/* smtp_strict() holds */
	struct handshakes handshakes;
	struct turns_order order;
	bool last_call;		/* no segment is left */
};

void walk_open(struct walk *, const struct store_wire *);
bool walk_next(struct walk *, struct walk_unit *);
void walk_close(struct walk *);

#endif
