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
#include "proxy/listener.h"
#include "proxy/origin.h"
#include "proxy/stats.h"
#include "record/recorder.h"

#define WORKER_READ_MAX	65536	/* octets taken from a socket at once */
#define WORKER_NAME_MAX	256

/* What all workers share. Set before they start; only atomics change later. */
struct service {
	struct options options;
	struct listener listeners[OPTIONS_LISTEN_MAX];
	struct origin *origin;
	struct recorder *recorder;	/* NULL: recording is off */
	char name[WORKER_NAME_MAX];	/* of this host, for our own replies */
	unsigned max_sessions;
	_Atomic unsigned sessions;	/* open now */
	struct ev_loop *loop;		/* of main, for ... */
	ev_async worker_ended;		/* a thread is over */
};

enum worker_stop { WORKER_RUNS, WORKER_DRAINS, WORKER_STOPS };

struct conn;

/* Where it accepts. */
struct worker_listener {
	ev_io io;
	const struct listener *listener;
};

struct worker {
	struct service *service;
	struct ev_loop *loop;
	pthread_t thread;
	struct recorder_port *port;	/* NULL: recording is off */
	struct worker_listener listeners[OPTIONS_LISTEN_MAX];
	ev_timer flush;		/* runs while a session has something unrecorded,
				 * or waits for the recorder */
	ev_timer pause;		/* runs while out of descriptors */
	ev_timer drain;
	ev_async drained;	/* from the recorder's thread */
	ev_async stop;		/* from worker_stop() */
	_Atomic int stopping;	/* enum worker_stop */
	_Atomic bool ended;
	double paused, refused;	/* when, last; a new episode is logged */
	int spare;		/* a descriptor kept for the server of the next
				 * client; -1: lent */
	LIST_HEAD(, conn) conns, dirty, stalled;
	struct stats stats;
	/* A session's rest is put before what is read, so that both are one. */
	char buffer[SMTP_LINE_MAX + WORKER_READ_MAX];
};

/* A worker, ready to run on the index-th socket of every listener, which it
 * takes over. NULL: out of memory or of descriptors. */
struct worker *worker_new(struct service *, unsigned index);

/* Start its thread. 0 or an errno. */
int worker_start(struct worker *);

/* Accept no more, and return when the sessions have ended; or end them now.
 * Any thread; may be called again with more. */
void worker_stop(struct worker *, enum worker_stop);

/* Its thread is done with everything; main's loop is woken when it is. */
bool worker_has_ended(const struct worker *);

/* Wait for its end. */
void worker_join(struct worker *);

/* When it has not been started or has been joined. */
void worker_free(struct worker *);

/* For conn.c: a session has something to record, or waits for the recorder. */
void worker_arm_flush(struct worker *);

/* For conn.c: no descriptor was to be had for the server of a client that has
 * been accepted. True: there is one now. */
bool worker_lend(struct worker *);

/* For conn.c: a session has ended; its descriptors are free. */
void worker_conn_gone(struct worker *);

#endif
