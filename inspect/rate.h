/* rate: how often something may happen, for each of many keys.
 *
 * A table of fixed size that many threads use without locks. Each key is allowed
 * `rate` a second and as many at once (at least one). A key that finds no place
 * is allowed: a full table must not refuse mail. Time is a parameter. */
#ifndef INSPECT_RATE_H
#define INSPECT_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_SLOTS 4096

/* Zero-initialised is empty. */
struct rate_table {
	_Atomic uint64_t slots[RATE_SLOTS];	/* private */
};

/* One more of it. False: too many. now_us: any monotonic clock. */
bool rate_allows(struct rate_table *, uint64_t key, double rate,
    int64_t now_us);

/* A key for a rule and the network of a client: 24 bits of IPv4, 64 of IPv6. */
uint64_t rate_key(unsigned long rule, const unsigned char address[16]);

#endif
