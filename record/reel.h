/* reel: winds what passed on the wire into a wire log, frame by frame.
 *
 * Knows which segments have come and are not understood yet, cuts bytes where
 * segments ended, joins what belongs to one, and counts what could not be kept.
 * Where it writes is the caller's: a log, or NULL while nothing can be kept;
 * then octets are counted as a gap. Bytes may stay borrowed until
 * reel_settle(). One thread. */
#ifndef RECORD_REEL_H
#define RECORD_REEL_H

#include "record/segments.h"
#include "record/wire.h"

/* Bytes understood and not copied yet: they end up in one frame. */
struct run {
	struct span bytes;	/* n = 0: none */
	enum smtp_side side;
	bool withheld;
	int64_t t_us;
};

struct reel {
	struct segments unread[2];	/* by side */
	struct run run;
	int64_t last_us;		/* of the last frame in the log */
	uint64_t gap[2];		/* octets not kept, by side */
	int64_t gap_us[2];		/* since when */
	bool lost;			/* a frame that tells no such octets */
};

void reel_free(struct reel *);

/* A new log begins: its times count from 0. After reel_settle(). */
void reel_new_log(struct reel *);

/* n octets have come from side. */
void reel_come(struct reel *, enum smtp_side, size_t n, int64_t t_us);

/* When the octet came, or comes, that stands behind so many that have come and
 * are not kept yet; t_us if that is unknown. */
int64_t reel_when(const struct reel *, enum smtp_side, size_t behind,
    int64_t t_us);

/* Keep bytes of what has come; of what of them is secret, a stand-in where that
 * begins (n = 0: nothing is). withheld: they were not forwarded. When the last
 * of them came; t_us if that is unknown. */
int64_t reel_keep(struct reel *, struct text *log, enum smtp_side,
    struct span bytes, struct span secret, bool withheld, int64_t t_us);

/* Keep a frame that is no bytes of a segment. */
void reel_frame(struct reel *, struct text *log, const struct wire_frame *);

/* The bytes of past calls are about to move: copy what is still borrowed. */
void reel_settle(struct reel *, struct text *log);

/* Take the gap of a side as a frame, to be kept later. False: there is none. */
bool reel_gap(struct reel *, enum smtp_side, struct wire_frame *);

#endif
