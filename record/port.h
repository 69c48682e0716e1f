/* port: what a producer and the writer share. Private to the recorder. */
#ifndef RECORD_PORT_H
#define RECORD_PORT_H

#include <stdatomic.h>

#include "record/batch.h"
#include "record/bell.h"
#include "record/checkpoint.h"
#include "record/database.h"
#include "record/queue.h"

struct recorder_port {
	struct recorder *recorder;
	struct recorder_port *next;	/* of the recorder's ports */
	void (*drained)(void *arg);
	void *arg;
	struct queue put;		/* to the writer */
	struct queue spare;		/* and back, to be used again */
	_Atomic size_t spare_octets;
	_Atomic bool waiting;		/* for drained() */
	struct recorder_part *empty;	/* the producer's: taken from spare */
};

struct recorder {
	struct recorder_limits limits;
	struct database database;
	struct checkpoint checkpoint;
	struct batch batch;		/* the writer's */
	char *path;
	pthread_t thread;
	struct bell bell;		/* wakes the writer */
	struct recorder_port *_Atomic ports;
	_Atomic uint64_t next_id;
	_Atomic size_t octets;		/* put and not yet committed */
	_Atomic int64_t pending_ns;	/* since when the oldest of it is known
					 * to the writer, monotonic; 0: none */
	_Atomic uint64_t dropped;	/* sessions, since open */
	_Atomic int64_t dropped_us;	/* when the first was that the database
					 * does not tell of; 0: it tells all */
	uint64_t told;			/* of them, in table gap; the writer's */
	_Atomic bool asleep;		/* the writer waits for a ring */
	_Atomic unsigned flushing;	/* callers that wait for a commit */
	_Atomic bool stopping;
	pthread_mutex_t mutex;		/* of what follows */
	pthread_cond_t settled;		/* a batch was committed, or failed */
	char error[RECORD_ERROR_MAX];	/* of the last write; "" */
};

/* Free a list of parts with all they hold. */
void port_free(struct recorder_part *list);

/* Committed: empty them for the producer, or free them if it has enough.
 * Writer thread. */
void port_recycle(struct recorder_part *list);

/* The writer's thread: takes parts from the ports and commits them. Ends when
 * stopping and all is committed, or the database still refuses. */
void *writer_run(void *recorder);

int64_t monotonic_ns(void);
int64_t wall_us(void);		/* since 1970 */

#endif
