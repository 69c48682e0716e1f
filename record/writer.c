/* writer: the thread that owns the database. It looks at the ports' queues,
 * gathers parts until a batch is due, and writes it. */
#include <stdio.h>

#include "record/port.h"

#define MS		INT64_C(1000000)	/* ns */
#define POLL_NS		(5 * MS)
#define RETRY_NS	(250 * MS)	/* after a batch that failed */
#define SLEEP_NS	(1000 * MS)	/* idle so long: wait for a ring */
#define LAST_TRY_NS	(2000 * MS)	/* a database that fails while we stop */
#define BATCH_PARTS	256
#define BATCH_OCTETS	(4 * BATCH_PACK_MAX)
#define SEEN		256		/* a power of two */

struct writer {
	struct recorder *r;
	struct recorder_part *oldest, **end;	/* taken, not committed */
	size_t parts, wire;			/* in that list; octets */
	int64_t first_ns;	/* when its oldest part was taken */
	int64_t busy_ns;	/* when there last was something to do */
	int64_t retry_ns;	/* not before; 0: the last batch succeeded */
	int64_t stop_ns;	/* when told to stop; 0: not yet */
};

static void
gather(struct writer *w, int64_t now)
{
	struct recorder_port *port;

	for (port = atomic_load(&w->r->ports); port; port = port->next) {
		*w->end = queue_take(&port->put);
		for (; *w->end; w->end = &(*w->end)->next) {
			w->parts++;
			w->wire += (*w->end)->wire.n;
		}
	}
	if (w->oldest && w->first_ns == 0) {
		w->first_ns = now;
		atomic_store(&w->r->pending_ns, now);
	}
	if (w->oldest)
		w->busy_ns = now;
}

static bool
due(const struct writer *w, int64_t now)
{
	const struct recorder *r = w->r;

	if (!w->oldest || now < w->retry_ns)
		return false;
	return w->parts >= BATCH_PARTS || w->wire >= BATCH_OCTETS ||
	    now - w->first_ns >= r->limits.batch_ns || r->limits.commit ||
	    atomic_load(&r->flushing) || atomic_load(&r->stopping) ||
	    atomic_load(&r->octets) > r->limits.queue_octets / 2;
}

/* Where the parts of one batch end in the list. The next try takes the same if
 * this one fails: a retry costs no more than a batch. */
static struct recorder_part **
batch_end(struct writer *w, size_t *parts, size_t *wire)
{
	struct recorder_part **at = &w->oldest;

	*parts = *wire = 0;
	while (*at && *parts < BATCH_PARTS && *wire < BATCH_OCTETS) {
		++*parts;
		*wire += (*at)->wire.n;
		at = &(*at)->next;
	}
	return at;
}

/* Of several rows of a session in one batch only the newest needs writing. A
 * session that shares its place with another keeps more: that does no harm. */
static void
drop_older_rows(struct recorder_part *batch)
{
	struct recorder_part *seen[SEEN] = { 0 }, **same;

	for (; batch; batch = batch->next) {
		if (!batch->row)
			continue;
		same = &seen[batch->session.id % SEEN];
		if (*same && (*same)->session.id == batch->session.id)
			(*same)->row = false;
		*same = batch;
	}
}

static size_t
octets_of(const struct recorder_part *list)
{
	size_t octets = 0;

	for (; list; list = list->next)
		octets += list->octets;
	return octets;
}

static void
tell(struct recorder *r, const char *reason)
{
	(void)pthread_mutex_lock(&r->mutex);
	(void)snprintf(r->error, sizeof(r->error), "%s", reason);
	(void)pthread_cond_broadcast(&r->settled);
	(void)pthread_mutex_unlock(&r->mutex);
}

/* Wake the producers that wait; all of them if the database works again. */
static void
wake_producers(struct recorder *r, bool all)
{
	struct recorder_port *port;

	if (!all && atomic_load(&r->octets) > r->limits.queue_octets / 2)
		return;
	for (port = atomic_load(&r->ports); port; port = port->next)
		if (atomic_exchange(&port->waiting, false) || all)
			port->drained(port->arg);
}

/* What was dropped and is not yet told. */
static struct batch_gap
untold(struct recorder *r)
{
	struct batch_gap gap = {
		.sessions = atomic_load(&r->dropped) - r->told,
		.start_us = atomic_load(&r->dropped_us),
		.end_us = wall_us(),
	};

	/* Dropped just when the one before was told. */
	if (gap.start_us == 0)
		gap.start_us = gap.end_us;
	return gap;
}

static void
committed(struct writer *w, struct recorder_part *batch, int64_t now,
    const struct batch_gap *gap)
{
	struct recorder *r = w->r;
	bool again = w->retry_ns != 0;

	r->told += gap->sessions;
	if (gap->sessions)
		atomic_store(&r->dropped_us,
		    r->told == atomic_load(&r->dropped) ? 0 : gap->end_us);
	w->retry_ns = 0;
	w->first_ns = w->oldest ? now : 0;
	atomic_store(&r->pending_ns, w->first_ns);
	atomic_fetch_sub(&r->octets, octets_of(batch));
	port_recycle(batch);
	tell(r, "");
	wake_producers(r, again);
}

/* Write the front of the list. */
static void
write_batch(struct writer *w)
{
	char reason[RECORD_ERROR_MAX];
	struct batch_gap gap = untold(w->r);
	size_t parts, wire;
	struct recorder_part **end = batch_end(w, &parts, &wire);
	struct recorder_part *batch = w->oldest, *left = *end;

	*end = NULL;
	drop_older_rows(batch);
	if (!batch_write(&w->r->batch, batch, &gap, reason)) {
		*end = left;
		w->retry_ns = monotonic_ns() + RETRY_NS;
		tell(w->r, reason);
		return;
	}
	w->oldest = left;
	if (!left)
		w->end = &w->oldest;
	w->parts -= parts;
	w->wire -= wire;
	committed(w, batch, monotonic_ns(), &gap);
	checkpoint_turn(&w->r->checkpoint);
}

static void
rest(struct writer *w, int64_t now)
{
	struct recorder *r = w->r;

	if (w->retry_ns)
		bell_wait(&r->bell, POLL_NS * 2);
	else if (w->oldest || now - w->busy_ns < SLEEP_NS)
		bell_wait(&r->bell, POLL_NS);
	else {
		/* Say so, then look once more: a part put before that rings
		 * no bell, one put after it does. */
		atomic_store(&r->asleep, true);
		gather(w, now);
		if (!w->oldest && !atomic_load(&r->stopping))
			bell_wait(&r->bell, -1);
		atomic_store(&r->asleep, false);
	}
}

/* All is written, or the database refuses it for good. */
static bool
over(struct writer *w, int64_t now)
{
	if (!atomic_load(&w->r->stopping))
		return false;
	if (w->stop_ns == 0)
		w->stop_ns = now;
	return !w->oldest || (w->retry_ns && now - w->stop_ns > LAST_TRY_NS);
}

void *
writer_run(void *recorder)
{
	struct writer w = { .r = recorder, .busy_ns = monotonic_ns() };
	int64_t now;

	w.end = &w.oldest;
	for (;;) {
		now = monotonic_ns();
		gather(&w, now);
		if (over(&w, now))
			break;
		if (due(&w, now))
			write_batch(&w);
		else
			rest(&w, now);
	}
	/* What is left is lost; recorder_close() says so. */
	port_free(w.oldest);
	return NULL;
}
