#include "record/bell.h"

#include <time.h>

#define SECOND	INT64_C(1000000000)

bool
bell_init(struct bell *b)
{
	pthread_condattr_t attr;
	bool ok = false;

	b->rung = false;
	if (pthread_condattr_init(&attr) != 0)
		return false;
	/* Not the wall clock, which can be set. */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_mutex_init(&b->mutex, NULL) == 0) {
		ok = pthread_cond_init(&b->cond, &attr) == 0;
		if (!ok)
			(void)pthread_mutex_destroy(&b->mutex);
	}
	(void)pthread_condattr_destroy(&attr);
	return ok;
}

void
bell_fini(struct bell *b)
{
	(void)pthread_cond_destroy(&b->cond);
	(void)pthread_mutex_destroy(&b->mutex);
}

void
bell_ring(struct bell *b)
{
	(void)pthread_mutex_lock(&b->mutex);
	b->rung = true;
	(void)pthread_cond_signal(&b->cond);
	(void)pthread_mutex_unlock(&b->mutex);
}

static struct timespec
deadline(int64_t timeout_ns)
{
	struct timespec t;
	int64_t ns;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	ns = t.tv_nsec + timeout_ns % SECOND;
	t.tv_sec += timeout_ns / SECOND + ns / SECOND;
	t.tv_nsec = ns % SECOND;
	return t;
}

void
bell_wait(struct bell *b, int64_t timeout_ns)
{
	struct timespec until = { 0 };
	int late = 0;

	if (timeout_ns >= 0)
		until = deadline(timeout_ns);
	(void)pthread_mutex_lock(&b->mutex);
	while (!b->rung && late == 0)
		late = timeout_ns < 0 ? pthread_cond_wait(&b->cond, &b->mutex)
		    : pthread_cond_timedwait(&b->cond, &b->mutex, &until);
	b->rung = false;
	(void)pthread_mutex_unlock(&b->mutex);
}
