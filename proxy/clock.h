/* clock: the time, in ns. Any thread. */
#ifndef PROXY_CLOCK_H
#define PROXY_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t
clock_read(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);	/* cannot fail with these ids */
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Never set back; for differences. */
static inline int64_t
clock_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* Since 1970. */
static inline int64_t
clock_wall_ns(void)
{
	return clock_read(CLOCK_REALTIME);
}

#endif
