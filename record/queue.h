/* queue: parts on their way from one thread to another, without a lock.
 *
 * A linked list that is pushed at one end and taken whole: it never lacks room,
 * so that put cannot fail; how much may be in it is the owner's to count. Any
 * thread may push, one thread takes. */
#ifndef RECORD_QUEUE_H
#define RECORD_QUEUE_H

#include <stdatomic.h>
#include <stddef.h>

#include "record/recorder.h"

struct queue {
	struct recorder_part *_Atomic newest;
};

/* The part is the queue's until it is taken. */
static inline void
queue_push(struct queue *q, struct recorder_part *part)
{
	part->next = atomic_load_explicit(&q->newest, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&q->newest, &part->next, part))
		;
}

/* All parts, oldest first; NULL: none. */
static inline struct recorder_part *
queue_take(struct queue *q)
{
	struct recorder_part *part, *next, *oldest = NULL;

	/* In the one order of all: a writer that has said it sleeps looks here. */
	if (atomic_load(&q->newest) == NULL)
		return NULL;
	part = atomic_exchange(&q->newest, NULL);
	for (; part; part = next) {
		next = part->next;
		part->next = oldest;
		oldest = part;
	}
	return oldest;
}

#endif
