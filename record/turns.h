/* turns: in which order what the two sides of a session said was understood.
 *
 * Segments come in the order of time; what they say may have been understood
 * later, behind what the other side said after that. A turn is a stretch of one
 * side's stream that was understood with nothing of the other side's between,
 * or a mark: a segment that is no bytes and no part of one. The same octets in
 * another order may mean something else, so who reads them again goes by the
 * turns:
 *
 *	turns_begin(&order, &turns);
 *	while (... turns_let(&order, side) ...)
 *		turns_done(&order, side, octets);
 *
 * Turns may be wrong or be missing, then they are no help; nothing waits for
 * ever. One thread. */
#ifndef RECORD_TURNS_H
#define RECORD_TURNS_H

#include "inspect/smtp.h"
#include "record/text.h"

enum turn_of {
	TURN_CLIENT = SMTP_CLIENT,
	TURN_SERVER = SMTP_SERVER,
	TURN_MARK,
	TURN_KINDS
};

struct turn {
	enum turn_of of;
	uint64_t end;	/* when it is over: so many of these, from the start */
};

/* Zero-initialised is none. */
struct turns {
	struct text list;		/* struct turn */
	uint64_t ends[TURN_KINDS];
};

/* n octets as kept, or n marks, come next. Out of memory: list.failed. */
void turns_add(struct turns *, enum turn_of, uint64_t n);
void turns_free(struct turns *);

size_t turns_count(const struct turns *);
struct turn turns_at(const struct turns *, size_t i);

/* How far along the turns a reader is. */
struct turns_order {
	const struct turns *turns;
	size_t at;			/* the turn under way */
	uint64_t done[TURN_KINDS];
	bool free;			/* the turns before the next mark do not
					 * count any more */
};

void turns_begin(struct turns_order *, const struct turns *);

/* This side's next octet was understood next. */
bool turns_let(const struct turns_order *, enum smtp_side);

/* So many octets of that side have been understood. */
void turns_done(struct turns_order *, enum smtp_side, uint64_t octets);

/* A mark is the next segment. False: there are octets that were understood
 * before it; see if they are now, in any order, and ask again. */
bool turns_mark(struct turns_order *);

/* No turn counts any more. */
void turns_end(struct turns_order *);

#endif
