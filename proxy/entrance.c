#include "proxy/entrance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/conn.h"
#include "proxy/log.h"

#define PAUSE_S		0.1	/* without accepting, when out of descriptors */
#define EPISODE_S	10.	/* of quiet, after which a trouble is news */
#define LAST_MAX	4096	/* let in before a door closes: a full backlog */

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
watch_doors(struct worker *w, bool accepting)
{
	struct listener_door *d;

	LIST_FOREACH(d, &w->entrance.doors, others)
		if (accepting)
			ev_io_start(w->loop, &d->io);
		else
			ev_io_stop(w->loop, &d->io);
}

/* Out of descriptors or of memory: those who wait to be accepted wait on, in
 * the kernel. */
static void
pause_accepting(struct worker *w, int why)
{
	if (is_news(w, &w->entrance.paused))
		log_sentence(LOG_ERROR, "cannot accept: %s; waiting for "
		    "sessions to end", strerror(why));
	watch_doors(w, false);
	ev_timer_again(w->loop, &w->entrance.pause);
}

static void
on_pause_over(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct worker *w = t->data;

	(void)revents;
	ev_timer_stop(loop, t);
	watch_doors(w, true);
}

static bool
has_spare(struct entrance *e)
{
	if (e->spare < 0)
		e->spare = eventfd(0, EFD_CLOEXEC);
	return e->spare >= 0;
}

bool
entrance_lend(struct worker *w)
{
	if (w->entrance.spare < 0)
		return false;
	(void)close(w->entrance.spare);
	w->entrance.spare = -1;
	return true;
}

/* Tell the client why it is not served. What it has said already is read, or
 * closing would make it a reset and lose the reply. */
static void
refuse(struct worker *w, const struct settings_listener *section, int fd,
    const char *status, const char *why)
{
	struct span name = worker_name(w, section);
	char text[CONN_OWN_MAX];
	int n = snprintf(text, sizeof(text), "421 %s %.*s %s\r\n", status,
	    (int)name.n, name.p, why);

	(void)send(fd, text, (size_t)n, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	(void)recv(fd, w->buffer, sizeof(w->buffer), 0);
	(void)close(fd);
	stats_add(&w->stats.refused, 1);
}

/* One of at most max places; 0: any number. */
static bool
take_place(_Atomic unsigned *taken, unsigned max)
{
	if (atomic_fetch_add(taken, 1) < max || max == 0)
		return true;
	atomic_fetch_sub(taken, 1);
	return false;
}

/* One of all, and one of the listener; entrance_left() gives them back. */
static bool
take_places(struct worker *w, const struct settings_listener *section)
{
	_Atomic unsigned *all = &w->service->sessions;
	unsigned max = section->settings->max_sessions;

	if (!take_place(all, max)) {
		if (is_news(w, &w->entrance.refused))
			log_sentence(LOG_ERROR, "%u sessions are open, more "
			    "are refused (max-sessions)", max);
		return false;
	}
	if (take_place(&section->seats->taken, section->max_sessions))
		return true;
	atomic_fetch_sub(all, 1);
	if (is_news(w, &w->entrance.refused))
		log_sentence(LOG_ERROR, "listener \"%s\": %u sessions are "
		    "open, more are refused (max-sessions)", section->name,
		    section->max_sessions);
	return false;
}

static void
let_in(struct worker *w, const struct listener_door *d, int fd,
    const struct sockaddr *peer)
{
	struct settings_listener *section = d->section;
	struct address client;

	if (w->port && recorder_failing(w->port) &&
	    section->settings->on_failure == ON_FAILURE_REFUSE)
		refuse(w, section, fd, "4.3.0", "cannot record the session");
	else if (!take_places(w, section))
		refuse(w, section, fd, "4.3.2", "too many connections");
	else {
		(void)address_from(&client, peer);
		stats_add(&w->stats.accepted, 1);
		conn_open(w, d, fd, &client);
	}
}

/* False: nobody waits, or nobody can be let in now. */
static bool
accept_one(struct worker *w, const struct listener_door *d)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	int fd = has_spare(&w->entrance) ? accept4(d->io.fd,
	    (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;

	if (fd >= 0)
		let_in(w, d, fd, (struct sockaddr *)&peer);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		pause_accepting(w, errno);
	return fd >= 0;
}

/* One for each turn: those who are being served have theirs, too, and a call
 * that would only say that nobody else waits is saved. */
static void
on_accept(struct ev_loop *loop, ev_io *io, int revents)
{
	(void)loop, (void)revents;
	(void)accept_one(io->data, (struct listener_door *)io);
}

/* Who has been accepted by the kernel is served, before the door closes. */
static void
close_door(struct worker *w, struct listener_door *d)
{
	for (unsigned n = 0; n < LAST_MAX && accept_one(w, d); n++)
		continue;
	ev_io_stop(w->loop, &d->io);
	(void)close(d->io.fd);
	ev_io_set(&d->io, -1, 0);
	LIST_REMOVE(d, others);
}

void
entrance_close(struct worker *w)
{
	while (!LIST_EMPTY(&w->entrance.doors))
		close_door(w, LIST_FIRST(&w->entrance.doors));
	ev_timer_stop(w->loop, &w->entrance.pause);
}

static void
open_door(struct worker *w, struct listener_door *d)
{
	ev_io_init(&d->io, on_accept, d->io.fd, EV_READ);
	d->io.data = w;
	LIST_INSERT_HEAD(&w->entrance.doors, d, others);
	if (!ev_is_active(&w->entrance.pause))
		ev_io_start(w->loop, &d->io);
}

void
entrance_use(struct worker *w, const struct lineup *l)
{
	struct listener_door *d, *next;

	for (d = LIST_FIRST(&w->entrance.doors); d; d = next) {
		next = LIST_NEXT(d, others);
		if (lineup_section(l, d->listener) == NULL)
			close_door(w, d);
	}
	w->entrance.settings = l->settings;
	for (unsigned i = 0; i < l->n; i++) {
		d = &l->rows[i].listener->doors[w->index];
		if (d->section == NULL)		/* new */
			open_door(w, d);
		d->section = l->rows[i].section;
	}
}

void
entrance_init(struct worker *w)
{
	struct entrance *e = &w->entrance;

	LIST_INIT(&e->doors);
	e->spare = -1;
	ev_timer_init(&e->pause, on_pause_over, 0., PAUSE_S);
	e->pause.data = w;
}

void
entrance_left(struct worker *w, const struct settings_listener *section)
{
	atomic_fetch_sub(&section->seats->taken, 1);
	atomic_fetch_sub(&w->service->sessions, 1);
	if (ev_is_active(&w->entrance.pause))
		ev_feed_event(w->loop, &w->entrance.pause, EV_TIMER);
}
