/* worker: one thread with its loop, its listening sockets and its sessions.
 *
 * A session lives on the thread that accepted it. Workers share the service
 * below and nothing else; they are told to stop, and told that the recorder
 * has room again, through their loop. */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "inspect/smtp.h"
#include "proxy/entrance.h"
#include "proxy/passage.h"
#include "proxy/stats.h"
#include "record/recorder.h"

#define WORKER_READ_MAX	65536	/* octets taken from a socket at once */
#define WORKER_NAME_MAX	256

/* What all workers share. Set before they start; only atomics change later. */
struct service {
	struct recorder *recorder;	/* NULL: recording is off */
	char name[WORKER_NAME_MAX];	/* of this host, for our own replies */
	unsigned threads;
	_Atomic unsigned sessions;	/* open now */
	struct ev_loop *loop;		/* of main, for ... */
	ev_async news;			/* a thread is over, has taken over a
					 * lineup, or was a settings' last user */
};

enum worker_stop { WORKER_RUNS, WORKER_DRAINS, WORKER_STOPS };

struct conn;

struct worker {
	struct service *service;
	struct ev_loop *loop;
	pthread_t thread;
	struct recorder_port *port;	/* NULL: recording is off */
	unsigned index;			/* which door of each listener */
	struct entrance entrance;
	ev_timer flush;		/* runs while a session has something unrecorded,
				 * or waits for the recorder */
	ev_timer drain;
	ev_async drained;	/* from the recorder's thread */
	ev_async stop;		/* from worker_stop() */
	_Atomic int stopping;	/* enum worker_stop */
	_Atomic bool ended;
	ev_async change;	/* from worker_change() */
	_Atomic(const struct lineup *) next;	/* NULL: none, or taken over */
	LIST_HEAD(, conn) conns, dirty, stalled;
	struct stats stats;
	unsigned shaking_turn;	/* of the loop, in which handshakes ... */
	int64_t shaken_ns;	/* ... have taken so long */
	struct passage_outbound outbound[2];	/* of the turn, by side */
	/* A session's rest is put before what is read, so that both are one. */
	char buffer[SMTP_LINE_MAX + WORKER_READ_MAX];
};

/* A worker, ready to run on the index-th door of every listener. NULL: out of
 * memory or of descriptors. */
struct worker *worker_new(struct service *, unsigned index,
    const struct lineup *);

/* Start its thread. 0 or an errno. */
int worker_start(struct worker *);

/* Accept no more, and return when the sessions have ended; or end them now.
 * Any thread; may be called again with more. */
void worker_stop(struct worker *, enum worker_stop);

/* Take over another lineup soon; main's loop is woken when it has. The one
 * before must stay until then, and so must the listeners of both. */
void worker_change(struct worker *, const struct lineup *);
bool worker_has_changed(const struct worker *);

/* Its thread is done with everything; main's loop is woken when it is. */
bool worker_has_ended(const struct worker *);

/* Wait for its end. */
void worker_join(struct worker *);

/* When it has not been started or has been joined. */
void worker_free(struct worker *);

/* For conn.c: a session has something to record, or waits for the recorder. */
void worker_arm_flush(struct worker *);

/* For conn.c: a session of that section has ended; its descriptors are free. */
void worker_conn_gone(struct worker *, const struct settings_listener *);

/* What we call ourselves to clients of that section. */
struct span worker_name(const struct worker *,
    const struct settings_listener *);

#endif
