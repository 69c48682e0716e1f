/* bell: wakes one thread that waits. A ring is kept until it is heard, so that
 * one between two waits is not missed. Any thread rings, one waits. */
#ifndef RECORD_BELL_H
#define RECORD_BELL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct bell {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool rung;
};

bool bell_init(struct bell *);
void bell_fini(struct bell *);
void bell_ring(struct bell *);

/* Wait for a ring, at most timeout_ns; -1: for ever. */
void bell_wait(struct bell *, int64_t timeout_ns);

#endif
