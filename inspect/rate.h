/* rate: how often something may happen, for each of many keys.
 *
 * A table of fixed size that many threads use without locks. Each key is allowed
 * `rate` a second, evenly, and after a pause `burst` at once: the generic cell
 * rate algorithm (ITU-T I.371, virtual scheduling). A key that finds no place is
 * allowed: a full table must not refuse mail. A place is given up as soon as its
 * key could have its whole burst again. Time is a parameter.
 *
 * Pure; any thread. */
#ifndef INSPECT_RATE_H
#define INSPECT_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_SLOTS 4096	/* a power of two */

/* Zero-initialised is empty. */
struct rate_table {
	uint64_t seed;	/* any; one nobody knows keeps clients from looking for
			 * networks that share a place with another's */
	_Atomic uint64_t slots[RATE_SLOTS];	/* private */
};

/* One more of it. False: too many; it is not counted. A rate of 0 or less allows
 * none, a burst below 1 is 1. now_us: any monotonic clock, the same in all
 * threads. */
bool rate_allows(struct rate_table *, uint64_t key, double rate, double burst,
    int64_t now_us);

/* A key for a rule and the network of a client: 24 bits of IPv4, 64 of IPv6. No
 * two networks have the same for one rule. */
uint64_t rate_key(unsigned long rule, const unsigned char address[16]);

#endif
