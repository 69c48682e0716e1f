#include "proxy/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/conn.h"
#include "proxy/log.h"

#define FLUSH_S		0.02	/* a session's record waits that long */
#define PAUSE_S		0.1	/* without accepting, when out of descriptors */
#define EPISODE_S	10.	/* of quiet, after which a trouble is news */

/* The same trouble again is not worth a line of the log. */
static bool
is_news(struct worker *w, double *last)
{
	double now = ev_now(w->loop);
	bool news = now - *last > EPISODE_S;

	*last = now;
	return news;
}

static void
watch_listeners(struct worker *w, bool accepting)
{
	for (unsigned i = 0; i < w->service->options.listen.n; i++) {
		ev_io *io = &w->listeners[i].io;

		if (io->fd < 0)
			continue;
		if (accepting)
			ev_io_start(w->loop, io);
		else
			ev_io_stop(w->loop, io);
	}
}

static void
close_listeners(struct worker *w)
{
	watch_listeners(w, false);
	ev_timer_stop(w->loop, &w->pause);
	for (unsigned i = 0; i < w->service->options.listen.n; i++) {
		ev_io *io = &w->listeners[i].io;

		if (io->fd >= 0)
			(void)close(io->fd);
		ev_io_set(io, -1, 0);
	}
}

/* Out of descriptors or of memory: those who wait to be accepted wait on, in
 * the kernel. */
static void
pause_accepting(struct worker *w, int why)
{
	if (is_news(w, &w->paused))
		log_sentence(LOG_ERROR, "cannot accept: %s; waiting for "
		    "sessions to end", strerror(why));
	watch_listeners(w, false);
	ev_timer_again(w->loop, &w->pause);
}

/* Nobody is accepted without a descriptor in hand for the other half of the
 * session. */
static bool
has_spare(struct worker *w)
{
	if (w->spare < 0)
		w->spare = eventfd(0, EFD_CLOEXEC);
	return w->spare >= 0;
}

bool
worker_lend(struct worker *w)
{
	if (w->spare < 0)
		return false;
	(void)close(w->spare);
	w->spare = -1;
	return true;
}

static void
on_pause_over(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct worker *w = t->data;

	(void)revents;
	ev_timer_stop(loop, t);
	watch_listeners(w, true);
}

/* Tell the client why it is not served. What it has said already is read, or
 * closing would make it a reset and lose the reply. */
static void
refuse(struct worker *w, int fd, const char *status, const char *why)
{
	char text[CONN_OWN_MAX];
	int n = snprintf(text, sizeof(text), "421 %s %s %s\r\n", status,
	    w->service->name, why);

	(void)send(fd, text, (size_t)n, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	(void)recv(fd, w->buffer, sizeof(w->buffer), 0);
	(void)close(fd);
	stats_add(&w->stats.refused, 1);
}

/* Take a place among max_sessions; worker_conn_gone() gives it back. */
static bool
take_place(struct worker *w)
{
	struct service *s = w->service;

	if (atomic_fetch_add(&s->sessions, 1) < s->max_sessions)
		return true;
	atomic_fetch_sub(&s->sessions, 1);
	if (is_news(w, &w->refused))
		log_sentence(LOG_ERROR, "%u sessions are open, more are "
		    "refused (--max-sessions)", s->max_sessions);
	return false;
}

/* One for each turn: those who are being served have theirs, too, and a call
 * that would only say that nobody else waits is saved. */
static void
on_accept(struct ev_loop *loop, ev_io *io, int revents)
{
	struct worker_listener *l = (struct worker_listener *)io;
	struct worker *w = io->data;
	struct service *s = w->service;
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	struct address client;
	int fd = has_spare(w) ? accept4(io->fd, (struct sockaddr *)&peer, &n,
	    SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;

	(void)loop, (void)revents;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			pause_accepting(w, errno);
		return;	/* or else it has gone away again */
	}
	if (w->port && s->options.on_failure == ON_FAILURE_REFUSE &&
	    recorder_failing(w->port))
		refuse(w, fd, "4.3.0", "cannot record the session");
	else if (!take_place(w))
		refuse(w, fd, "4.3.2", "too many connections");
	else {
		(void)address_from(&client, (struct sockaddr *)&peer);
		stats_add(&w->stats.accepted, 1);
		conn_open(w, l->listener, fd, &client);
	}
}

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

/* Who has been accepted by the kernel is served, before the door closes. */
static void
accept_last(struct worker *w)
{
	for (unsigned i = 0; i < w->service->options.listen.n; i++) {
		ev_io *io = &w->listeners[i].io;
		uint64_t before = 0, after = 1;

		while (io->fd >= 0 && before != after) {
			before = stats_read(&w->stats.accepted);
			on_accept(w->loop, io, EV_READ);
			after = stats_read(&w->stats.accepted);
		}
	}
}

static void
on_stop(struct ev_loop *loop, ev_async *a, int revents)
{
	struct worker *w = a->data;

	(void)revents;
	accept_last(w);
	close_listeners(w);
	if (atomic_load(&w->stopping) == WORKER_STOPS)
		stop_conns(w, true);
	else if (!ev_is_active(&w->drain))
		ev_timer_start(loop, &w->drain);
	break_if_done(w);
}

void
worker_conn_gone(struct worker *w)
{
	atomic_fetch_sub(&w->service->sessions, 1);
	if (ev_is_active(&w->pause))
		ev_feed_event(w->loop, &w->pause, EV_TIMER);
	break_if_done(w);
}

static void
init_watchers(struct worker *w, unsigned index)
{
	const struct options *o = &w->service->options;

	for (unsigned i = 0; i < o->listen.n; i++) {
		struct listener *l = &w->service->listeners[i];
		struct worker_listener *mine = &w->listeners[i];

		mine->listener = l;
		ev_io_init(&mine->io, on_accept, l->fds[index], EV_READ);
		mine->io.data = w;
		l->fds[index] = -1;
	}
	ev_timer_init(&w->flush, on_flush, FLUSH_S, 0.);
	ev_timer_init(&w->pause, on_pause_over, 0., PAUSE_S);
	ev_timer_init(&w->drain, on_drain_over, o->drain_timeout, 0.);
	ev_async_init(&w->drained, on_drained);
	ev_async_init(&w->stop, on_stop);
	w->flush.data = w->pause.data = w->drain.data = w;
	w->drained.data = w->stop.data = w;
}

/* epoll: libev's io_uring aborts on Linux 6.18. NOENV: LIBEV_FLAGS could bring
 * it back. */
struct worker *
worker_new(struct service *s, unsigned index)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->service = s;
	w->spare = -1;
	w->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (w->loop == NULL)
		goto no_loop;
	init_watchers(w, index);
	if (s->recorder) {
		w->port = recorder_port(s->recorder, wake, w);
		if (w->port == NULL)
			goto no_port;
	}
	ev_async_start(w->loop, &w->drained);
	ev_async_start(w->loop, &w->stop);
	watch_listeners(w, true);
	return w;
no_port:
	close_listeners(w);
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
	ev_async_send(w->service->loop, &w->service->worker_ended);
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
	close_listeners(w);
	(void)worker_lend(w);
	ev_loop_destroy(w->loop);
	free(w);
}
