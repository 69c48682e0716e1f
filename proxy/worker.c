#include "proxy/worker.h"

#include <stdlib.h>

#include "proxy/conn.h"

#define FLUSH_S		0.02	/* a session's record waits that long */

/* Those who waited for the recorder look again. */
static void
resume_stalled(struct worker *w)
{
	struct conn *c, *next;

	for (c = LIST_FIRST(&w->stalled); c; c = next) {
		next = LIST_NEXT(c, stalled);
		conn_resume(c);
	}
}

/* A store that has begun to fail has no more room, but it lets mail pass: no
 * drained() tells of that, so the stalled look here, too. */
static void
on_flush(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct worker *w = t->data;
	struct conn *c, *next;

	(void)loop, (void)revents;
	for (c = LIST_FIRST(&w->dirty); c; c = next) {
		next = LIST_NEXT(c, dirty);
		if (!conn_flush(c))
			continue;
		LIST_REMOVE(c, dirty);
		c->is_dirty = false;
	}
	resume_stalled(w);
	if (!LIST_EMPTY(&w->dirty) || !LIST_EMPTY(&w->stalled))
		worker_arm_flush(w);
}

void
worker_arm_flush(struct worker *w)
{
	if (ev_is_active(&w->flush))
		return;
	ev_timer_set(&w->flush, FLUSH_S, 0.);
	ev_timer_start(w->loop, &w->flush);
}

static void
on_drained(struct ev_loop *loop, ev_async *a, int revents)
{
	(void)loop, (void)revents;
	resume_stalled(a->data);
}

/* In the recorder's thread. */
static void
wake(void *arg)
{
	struct worker *w = arg;

	ev_async_send(w->loop, &w->drained);
}

static void
stop_conns(struct worker *w, bool at_once)
{
	struct conn *c, *next;

	for (c = LIST_FIRST(&w->conns); c; c = next) {
		next = LIST_NEXT(c, all);
		conn_stop(c, at_once);
	}
}

static void
on_drain_over(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop, (void)revents;
	stop_conns(t->data, false);
}

static bool
is_stopping(struct worker *w)
{
	return atomic_load(&w->stopping) != WORKER_RUNS;
}

static void
break_if_done(struct worker *w)
{
	if (is_stopping(w) && LIST_EMPTY(&w->conns))
		ev_break(w->loop, EVBREAK_ALL);
}

static void
on_stop(struct ev_loop *loop, ev_async *a, int revents)
{
	struct worker *w = a->data;

	(void)revents;
	entrance_close(w);
	if (atomic_load(&w->stopping) == WORKER_STOPS)
		stop_conns(w, true);
	else if (!ev_is_active(&w->drain)) {
		ev_timer_set(&w->drain, w->entrance.settings->drain_timeout,
		    0.);
		ev_timer_start(loop, &w->drain);
	}
	break_if_done(w);
}

/* Nobody is let in any more while it is stopping. */
static void
on_change(struct ev_loop *loop, ev_async *a, int revents)
{
	struct worker *w = a->data;
	const struct lineup *next = atomic_load(&w->next);

	(void)loop, (void)revents;
	if (next == NULL)
		return;
	if (is_stopping(w))
		w->entrance.settings = next->settings;
	else
		entrance_use(w, next);
	atomic_store(&w->next, NULL);
	ev_async_send(w->service->loop, &w->service->news);
}

void
worker_change(struct worker *w, const struct lineup *next)
{
	atomic_store(&w->next, next);
	ev_async_send(w->loop, &w->change);
}

bool
worker_has_changed(const struct worker *w)
{
	return atomic_load(&w->next) == NULL;
}

void
worker_conn_gone(struct worker *w, const struct settings_listener *section)
{
	entrance_left(w, section);
	if (settings_drop(section->settings))
		ev_async_send(w->service->loop, &w->service->news);
	break_if_done(w);
}

/* A policy that changes nothing does not change our name, either. */
struct span
worker_name(const struct worker *w, const struct settings_listener *section)
{
	const struct policy *p = section->policy;

	if (p == NULL || p->dry_run || p->host.n >= WORKER_NAME_MAX)
		return span_of(w->service->name);
	return p->host;
}

static void
init_watchers(struct worker *w)
{
	ev_timer_init(&w->flush, on_flush, FLUSH_S, 0.);
	ev_timer_init(&w->drain, on_drain_over, 0., 0.);
	ev_async_init(&w->drained, on_drained);
	ev_async_init(&w->stop, on_stop);
	ev_async_init(&w->change, on_change);
	w->flush.data = w->drain.data = w->drained.data = w->stop.data =
	    w->change.data = w;
}

/* epoll: libev's io_uring aborts on Linux 6.18. NOENV: LIBEV_FLAGS could bring
 * it back. */
struct worker *
worker_new(struct service *s, unsigned index, const struct lineup *l)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->service = s;
	w->index = index;
	w->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (w->loop == NULL)
		goto no_loop;
	init_watchers(w);
	entrance_init(w);
	if (s->recorder) {
		w->port = recorder_port(s->recorder, wake, w);
		if (w->port == NULL)
			goto no_port;
	}
	ev_async_start(w->loop, &w->drained);
	ev_async_start(w->loop, &w->stop);
	ev_async_start(w->loop, &w->change);
	entrance_use(w, l);
	return w;
no_port:
	ev_loop_destroy(w->loop);
no_loop:
	free(w);
	return NULL;
}

static void *
run(void *arg)
{
	struct worker *w = arg;

	ev_run(w->loop, 0);
	atomic_store(&w->ended, true);
	ev_async_send(w->service->loop, &w->service->news);
	return NULL;
}

int
worker_start(struct worker *w)
{
	return pthread_create(&w->thread, NULL, run, w);
}

void
worker_stop(struct worker *w, enum worker_stop how)
{
	atomic_store(&w->stopping, (int)how);
	ev_async_send(w->loop, &w->stop);
}

bool
worker_has_ended(const struct worker *w)
{
	return atomic_load(&w->ended);
}

void
worker_join(struct worker *w)
{
	(void)pthread_join(w->thread, NULL);
}

/* The recorder must not wake a loop that is gone: it is closed before. */
void
worker_free(struct worker *w)
{
	(void)entrance_lend(w);
	ev_loop_destroy(w->loop);
	free(w);
}
