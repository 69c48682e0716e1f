#include "record/recorder.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/port.h"

#define FAILING_NS	INT64_C(1000000000)

const struct recorder_limits recorder_default_limits = {
	.queue_octets = 16 << 20,
	.batch_ns = 20000000,
	.commit = false,
};

static void
failed(const struct recorder *r, const char *reason,
    char error[RECORD_ERROR_MAX])
{
	(void)snprintf(error, RECORD_ERROR_MAX, "database %s: %.*s", r->path,
	    RECORD_ERROR_MAX / 2, reason);
}

static bool
prepare(struct recorder *r, char error[RECORD_ERROR_MAX])
{
	uint64_t last;

	if (!batch_init(&r->batch, r->database.writer, r->path, &last, error))
		return false;
	if (last >= BATCH_SESSION_MAX) {
		failed(r, "its session ids are used up", error);
		return false;
	}
	atomic_store(&r->next_id, last + 1);
	return true;
}

/* Signals are for the threads of the program, not for ours. */
static bool
start_threads(struct recorder *r)
{
	sigset_t all, before;
	bool ok;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	ok = checkpoint_start(&r->checkpoint, r->database.writer,
	    r->database.checkpointer);
	if (ok && pthread_create(&r->thread, NULL, writer_run, r) != 0) {
		checkpoint_stop(&r->checkpoint);
		ok = false;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

struct recorder *
recorder_open(const char *path, const struct recorder_limits *limits,
    char error[RECORD_ERROR_MAX])
{
	struct recorder *r = calloc(1, sizeof(*r));

	(void)snprintf(error, RECORD_ERROR_MAX, "out of memory");
	if (!r)
		return NULL;
	r->limits = *limits;
	r->path = strdup(path);
	if (!r->path)
		goto no_path;
	if (!bell_init(&r->bell))
		goto no_bell;
	if (pthread_mutex_init(&r->mutex, NULL) != 0)
		goto no_mutex;
	if (pthread_cond_init(&r->settled, NULL) != 0)
		goto no_cond;
	if (!database_open(&r->database, path, limits->commit, error))
		goto no_database;
	if (!prepare(r, error))
		goto no_batch;
	if (start_threads(r))
		return r;
	(void)snprintf(error, RECORD_ERROR_MAX, "cannot start a thread");
no_batch:
	batch_fini(&r->batch);
	database_close(&r->database);
no_database:
	(void)pthread_cond_destroy(&r->settled);
no_cond:
	(void)pthread_mutex_destroy(&r->mutex);
no_mutex:
	bell_fini(&r->bell);
no_bell:
	free(r->path);
no_path:
	free(r);
	return NULL;
}

bool
recorder_failing(const struct recorder_port *port)
{
	int64_t since = atomic_load(&port->recorder->pending_ns);

	return since != 0 && monotonic_ns() - since > FAILING_NS;
}

void
recorder_error(const struct recorder *r, char error[RECORD_ERROR_MAX])
{
	/* The mutex is no part of what a caller sees as constant. */
	pthread_mutex_t *mutex = (pthread_mutex_t *)&r->mutex;

	(void)pthread_mutex_lock(mutex);
	if (r->error[0])
		failed(r, r->error, error);
	else
		error[0] = '\0';
	(void)pthread_mutex_unlock(mutex);
}

bool
recorder_flush(struct recorder *r)
{
	bool done;

	(void)pthread_mutex_lock(&r->mutex);
	r->error[0] = '\0';
	atomic_fetch_add(&r->flushing, 1);
	bell_ring(&r->bell);
	while (!(done = atomic_load(&r->octets) == 0) && r->error[0] == '\0')
		(void)pthread_cond_wait(&r->settled, &r->mutex);
	atomic_fetch_sub(&r->flushing, 1);
	(void)pthread_mutex_unlock(&r->mutex);
	return done;
}

static void
free_ports(struct recorder *r)
{
	struct recorder_port *port = atomic_load(&r->ports), *next;

	for (; port; port = next) {
		next = port->next;
		port_free(queue_take(&port->put));
		port_free(queue_take(&port->spare));
		port_free(port->empty);
		free(port);
	}
}

/* What did not get into the database since it was opened. */
static bool
say_lost(const struct recorder *r, char error[RECORD_ERROR_MAX])
{
	uint64_t dropped = atomic_load(&r->dropped);
	char what[RECORD_ERROR_MAX];

	error[0] = '\0';
	if (atomic_load(&r->octets))
		(void)snprintf(what, sizeof(what),
		    "the last sessions were not recorded: %.256s",
		    r->error);
	else if (dropped)
		(void)snprintf(what, sizeof(what), "%" PRIu64 " sessions were "
		    "not recorded while it could not be written", dropped);
	else
		return false;
	failed(r, what, error);
	return true;
}

bool
recorder_close(struct recorder *r, char error[RECORD_ERROR_MAX])
{
	bool lost;

	atomic_store(&r->stopping, true);
	bell_ring(&r->bell);
	(void)pthread_join(r->thread, NULL);
	checkpoint_stop(&r->checkpoint);
	lost = say_lost(r, error);
	batch_fini(&r->batch);
	database_close(&r->database);
	free_ports(r);
	(void)pthread_cond_destroy(&r->settled);
	(void)pthread_mutex_destroy(&r->mutex);
	bell_fini(&r->bell);
	free(r->path);
	free(r);
	return !lost;
}
