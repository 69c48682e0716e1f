/* stats: one thread's counters, read by another.
 *
 * Each has a single writer, the loop thread it belongs to; any thread reads. */
#ifndef PROXY_STATS_H
#define PROXY_STATS_H

#include <stdatomic.h>
#include <stdint.h>

struct stats {
#define STAT(name, meaning) _Atomic uint64_t name;	/* meaning */
#include "proxy/stats.def"
#undef STAT
};

/* Without a locked instruction: nobody else writes. */
static inline void
stats_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter,
	    atomic_load_explicit(counter, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

static inline uint64_t
stats_read(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
