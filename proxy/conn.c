#include "proxy/conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "proxy/journal.h"
#include "proxy/relay.h"

#define PARTING_NS	INT64_C(2000000000)	/* for the client to read 421 */
#define HELD_NS		INT64_C(2000000000)	/* for a server to answer */

static void
count_end(const struct conn *c)
{
	struct stats *stats = &c->worker->stats;

	stats_add(&stats->ended, 1);
	stats_add(&stats->messages, c->tap.facts.messages);
	stats_add(&stats->events, c->tap.facts.events);
	stats_add(&stats->gaps, c->tap.facts.gap);
}

/* The one place where a session is taken apart. */
static void
conn_free(struct conn *c, int64_t now)
{
	struct worker *w = c->worker;
	const struct settings_listener *listener = c->listener;

	relay_finish(c);
	for (int i = 0; i < 2; i++) {
		leg_close(&c->leg[i], w->loop, false);
		leg_free_buffers(&c->leg[i]);
	}
	ev_timer_stop(w->loop, &c->timer);
	LIST_REMOVE(c, all);
	if (c->is_dirty)
		LIST_REMOVE(c, dirty);
	if (c->is_stalled)
		LIST_REMOVE(c, stalled);
	free(c->passage);
	c->passage = NULL;
	tap_close(&c->tap, c->ended_by, now);
	journal_end(c, now);
	count_end(c);
	free(c);
	worker_conn_gone(w, listener);
}

static void
set_timer(struct conn *c, int64_t ns)
{
	ev_timer_stop(c->worker->loop, &c->timer);
	ev_timer_set(&c->timer, ns > 0 ? (double)ns / 1e9 : 0., 0.);
	ev_timer_start(c->worker->loop, &c->timer);
}

/* The reply of ours with which a session ends. */
static struct span
farewell(const struct conn *c, const char *status, const char *why,
    char out[CONN_OWN_MAX])
{
	struct span name = worker_name(c->worker, c->listener);
	int n = snprintf(out, CONN_OWN_MAX, "421 %s %.*s %s\r\n", status,
	    (int)name.n, name.p, why);

	assert(n > 0 && n < CONN_OWN_MAX);
	return (struct span){ out, (size_t)n };
}

static void
leave_server(struct conn *c)
{
	leg_close(&c->leg[SMTP_SERVER], c->worker->loop, false);
	buffer_free(&c->leg[SMTP_SERVER].out);
}

/* The client has been told that this is the end: time to read it. */
static void
await_end(struct conn *c, int64_t now)
{
	c->state = CONN_PARTING;
	c->since_ns = now;
	c->leg[SMTP_SERVER].ended = true;
	set_timer(c, PARTING_NS);
}

/* Leave the server, and the client as soon as it has read why, if the protocol
 * lets us say it; at once, if not. */
static void
part(struct conn *c, const char *ended_by, bool speak, const char *status,
    const char *why, int64_t now)
{
	char text[CONN_OWN_MAX];

	if (c->ended_by == NULL)
		c->ended_by = ended_by;
	leave_server(c);
	if (!speak || c->state == CONN_PARTING) {
		c->state = CONN_OVER;
		return;
	}
	relay_own(c, farewell(c, status, why, text), now);
	c->has_said_421 = true;
	await_end(c, now);
}

/* What a policy has ordered; the client has its reply already. */
static void
obey(struct conn *c, int64_t now)
{
	enum conn_order order = c->order;

	c->order = CONN_GOES_ON;
	if (order == CONN_GOES_ON || c->state == CONN_OVER)
		return;
	if (order == CONN_RESETS) {
		leg_close(&c->leg[SMTP_CLIENT], c->worker->loop, true);
		leg_close(&c->leg[SMTP_SERVER], c->worker->loop, true);
		c->state = CONN_OVER;
		return;
	}
	leave_server(c);
	if (order == CONN_PARTS)
		await_end(c, now);
	else
		c->state = CONN_LEFT;
}

/* 421 may answer any command, stand for the greeting, or come unasked (RFC 5321
 * 3.8), but not within a reply. */
static bool
may_speak(const struct conn *c)
{
	bool half_a_line = c->leg[SMTP_SERVER].rest.n &&
	    !passage_holds(c, SMTP_SERVER);

	return smtp_between_replies(&c->smtp) && !half_a_line &&
	    c->leg[SMTP_CLIENT].out.n == 0;
}

/* With TCP_NODELAY: a segment does not wait until the one before it has been
 * acknowledged. The client's socket has that from its listener. */
static int
connecting_socket(struct worker *w, const struct address *a)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int on = 1, why;
	int fd = socket(a->sa.any.sa_family, type, 0);

	if (fd < 0 && errno == EMFILE && entrance_lend(w))
		fd = socket(a->sa.any.sa_family, type, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, &a->sa.any, a->n) == 0 || errno == EINPROGRESS)
		return fd;
	why = errno;
	(void)close(fd);
	errno = why;
	return -1;
}

static void on_io(struct ev_loop *, ev_io *, int);	/* it may come back */

/* Connect to the server's next address; error says how the last one went. What
 * the client has said meanwhile stays queued. */
static void
connect_next(struct conn *c, int error, int64_t now)
{
	struct leg *server = &c->leg[SMTP_SERVER];
	struct worker *w = c->worker;
	struct address a;
	char text[ADDRESS_TEXT];

	leg_close(server, w->loop, false);
	while (origin_address(c->listener->origin, c->tried, &a)) {
		int fd;

		c->tried++;
		address_text(&a, text);
		tap_upstream(&c->tap, text);
		fd = connecting_socket(w, &a);
		if (fd < 0) {
			error = errno;
			continue;
		}
		server->error = 0;
		leg_open(server, fd, on_io);
		server->io.data = c;
		c->since_ns = now;
		return;
	}
	origin_failed(c->listener->origin, c->tap.facts.upstream, error);
	stats_add(&w->stats.unreachable, 1);
	part(c, "smtptap:connect-failed", true, "4.4.1",
	    "cannot reach the mail server", now);
}

/* A side was reset: so is the other, once it has been given what came before,
 * as far as it takes it now. */
static void
reset(struct conn *c, enum smtp_side side, int64_t now)
{
	struct leg *left = &c->leg[side == SMTP_CLIENT ? SMTP_SERVER :
	    SMTP_CLIENT];

	relay_end(c, side, true, now);
	if (leg_is_open(left))
		leg_flush(left);
	leg_close(left, c->worker->loop, true);
	c->state = CONN_OVER;
}

/* A side that has ended its stream is not watched any more; that it is gone
 * altogether shows when it is sent something. */
static void
find_reset(struct conn *c, int64_t now)
{
	for (int i = 0; i < 2; i++)
		if (leg_is_open(&c->leg[i]) && c->leg[i].ended &&
		    c->leg[i].error)
			reset(c, (enum smtp_side)i, now);
}

/* The end of every turn: a session is freed here or not at all. */
static void
conn_settle(struct conn *c, int64_t now)
{
	bool was_held = c->is_held;

	obey(c, now);
	if (c->state != CONN_OVER)
		find_reset(c, now);
	if (c->state != CONN_OVER)
		relay_update(c);
	if (c->state == CONN_OVER)
		conn_free(c, now);
	else if (c->is_held && !was_held)
		set_timer(c, HELD_NS);
}

/* relay_read() has found the end of a side. */
static void
side_over(struct conn *c, enum smtp_side side, int64_t now)
{
	const struct leg *l = &c->leg[side];

	if (l->error == 0)
		relay_end(c, side, false, now);
	else if (side == SMTP_SERVER && !l->connected)
		connect_next(c, l->error, now);
	else
		reset(c, side, now);
}

static void
on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct conn *c = w->data;
	enum smtp_side side = w == &c->leg[SMTP_CLIENT].io ? SMTP_CLIENT :
	    SMTP_SERVER;
	int64_t now = clock_ns();

	(void)loop;
	if (revents & EV_READ && !relay_read(c, side, now))
		side_over(c, side, now);
	else if (revents & EV_WRITE)
		relay_write(c, side, now);
	conn_settle(c, now);
}

static int64_t
ns(double seconds)
{
	return (int64_t)(seconds * 1e9);
}

/* When the session's patience ends, and what for. */
static int64_t
due(struct conn *c)
{
	const struct settings_listener *l = c->listener;

	if (c->state == CONN_PARTING)
		return c->since_ns + PARTING_NS;
	if (c->state != CONN_LEFT && !leg_is_connected(&c->leg[SMTP_SERVER]))
		return c->since_ns + ns(l->connect_timeout);
	if (c->is_held)
		return c->active_ns + HELD_NS;
	return c->active_ns + ns(c->in_data ? l->data_timeout :
	    l->idle_timeout);
}

static void
time_out(struct conn *c, int64_t now)
{
	if (c->state == CONN_PARTING)
		c->state = CONN_OVER;
	else if (c->state != CONN_LEFT && !c->leg[SMTP_SERVER].connected)
		connect_next(c, ETIMEDOUT, now);
	else if (c->is_held) {
		/* the server may want all of it before it answers */
		smtp_give_up(&c->smtp);
		relay_understand(c);
		c->is_held = false;
	} else {
		stats_add(&c->worker->stats.timeouts, 1);
		part(c, "smtptap:idle-timeout", may_speak(c), "4.4.2",
		    "closing after a long silence", now);
	}
}

/* Traffic moves due(), not the timer: that would cost more than looking again. */
static void
on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct conn *c = w->data;
	int64_t now = clock_ns();

	(void)loop, (void)revents;
	if (due(c) <= now)
		time_out(c, now);
	if (!ev_is_active(w))
		set_timer(c, due(c) - now);
	conn_settle(c, now);
}

static double
first_look(const struct settings_listener *l)
{
	double least = l->connect_timeout;

	if (l->idle_timeout < least)
		least = l->idle_timeout;
	return l->data_timeout < least ? l->data_timeout : least;
}

static void
start_legs(struct conn *c, int fd)
{
	leg_open(&c->leg[SMTP_CLIENT], fd, on_io);
	leg_open(&c->leg[SMTP_SERVER], -1, on_io);
	c->leg[SMTP_CLIENT].io.data = c->leg[SMTP_SERVER].io.data = c;
	c->leg[SMTP_CLIENT].connected = true;
}

/* Without memory it is not recorded; the line at the end says so. */
static void
start_tap(struct conn *c, const struct listener *l,
    const struct address *client, int64_t now)
{
	char text[ADDRESS_TEXT];

	address_text(client, text);
	(void)tap_open(&c->tap, c->worker->port, &(struct tap_origin){
	    .listener = c->listener->name[0] ? c->listener->name : l->text,
	    .client = text, .now_ns = now, .wall_ns = clock_wall_ns() });
}

void
conn_open(struct worker *w, const struct listener_door *door, int fd,
    const struct address *client)
{
	struct conn *c = calloc(1, sizeof(*c));
	int64_t now = clock_ns();

	(void)settings_keep(door->section->settings);
	if (c == NULL) {
		(void)close(fd);
		worker_conn_gone(w, door->section);
		return;
	}
	c->worker = w;
	c->listener = door->section;
	c->settings = door->section->settings;
	c->active_ns = c->since_ns = now;
	start_legs(c, fd);
	LIST_INSERT_HEAD(&w->conns, c, all);
	ev_timer_init(&c->timer, on_timer, first_look(c->listener), 0.);
	c->timer.data = c;
	ev_timer_start(w->loop, &c->timer);
	smtp_start(&c->smtp);
	start_tap(c, door->listener, client, now);
	if (passage_open(c, client))
		connect_next(c, 0, now);
	else {
		c->ended_by = "smtptap:out-of-memory";
		c->state = CONN_OVER;
	}
	journal_start(c);
	conn_settle(c, now);
}

bool
conn_flush(struct conn *c)
{
	return tap_flush(&c->tap);
}

void
conn_resume(struct conn *c)
{
	relay_understand(c);
	conn_settle(c, clock_ns());
}

void
conn_stop(struct conn *c, bool at_once)
{
	int64_t now = clock_ns();

	part(c, "smtptap:shutdown", may_speak(c), "4.3.2", "shutting down",
	    now);
	if (at_once)
		c->state = CONN_OVER;
	conn_settle(c, now);
}
