#include "proxy/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "proxy/journal.h"
#include "proxy/parting.h"
#include "proxy/relay.h"
#include "proxy/secure.h"
#include "proxy/tls.h"

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

void
conn_set_timer(struct conn *c, int64_t ns)
{
	ev_timer_stop(c->worker->loop, &c->timer);
	ev_timer_set(&c->timer, ns > 0 ? (double)ns / 1e9 : 0., 0.);
	ev_timer_start(c->worker->loop, &c->timer);
}

static bool
is_securing(const struct conn *c)
{
	enum smtp_side side;

	return secure_pending(c, &side);
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
		fd = leg_connect(&a);
		if (fd < 0 && errno == EMFILE && entrance_lend(w))
			fd = leg_connect(&a);
		if (fd < 0) {
			error = errno;
			continue;
		}
		server->error = 0;
		leg_open(server, fd, on_io);
		server->io.data = c;
		c->since_ns = now;
		if (c->listener->implicit_tls & LISTENER_IMPLICIT_UPSTREAM)
			secure_begin(c, SMTP_SERVER, now);
		return;
	}
	origin_failed(c->listener->origin, c->tap.facts.upstream, error);
	stats_add(&w->stats.unreachable, 1);
	parting_begin(c, "smtptap:connect-failed", true, "4.4.1",
	    "cannot reach the mail server", now);
}

/* The server's connection is of no use any more: another one, from its first
 * address on. */
static void
rejoin(struct conn *c, int64_t now)
{
	struct leg *server = &c->leg[SMTP_SERVER];

	parting_leave_server(c);
	buffer_free(&server->rest);
	server->connected = server->ended = server->shut = false;
	c->tried = 0;
	connect_next(c, 0, now);
}

/* It was to begin with TLS, and did not: the client has heard nothing yet. */
static void
miss_server(struct conn *c, int64_t now)
{
	const struct tls *tls = c->leg[SMTP_SERVER].tls;
	char text[256];

	(void)snprintf(text, sizeof(text), "TLS not available: %.200s", tls ?
	    tls_why(tls) : "out of memory");
	parting_begin(c, "smtptap:tls-failed", true, "4.7.0", text, now);
}

/* What a policy has ordered; the client has its reply already, or gets it before
 * TLS begins. False: not now. */
static bool
obey(struct conn *c, int64_t now)
{
	enum conn_order order = c->order;

	if (c->state == CONN_OVER ||
	    (order == CONN_SECURES_CLIENT && c->leg[SMTP_CLIENT].out.n))
		return false;
	c->order = CONN_GOES_ON;
	switch (order) {
	case CONN_GOES_ON:
		break;
	case CONN_SECURES_SERVER:
		secure_begin(c, SMTP_SERVER, now);
		break;
	case CONN_SECURES_CLIENT:
		secure_begin(c, SMTP_CLIENT, now);
		break;
	case CONN_REJOINS:
		rejoin(c, now);
		break;
	case CONN_MISSES_SERVER:
		miss_server(c, now);
		break;
	case CONN_LEAVES:
		parting_leave_server(c);
		c->state = CONN_LEFT;
		break;
	case CONN_PARTS:
		parting_leave_server(c);
		parting_await_end(c, now);
		break;
	case CONN_RESETS:
		parting_reset(c);
		break;
	}
	return true;
}

/* A side was reset: so is the other, once it has been given what came before,
 * as far as it takes it now. */
static void
reset(struct conn *c, enum smtp_side side, int64_t now)
{
	struct leg *left = &c->leg[smtp_other(side)];

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
	bool was_held = c->is_held, was_secured = is_securing(c);

	while (c->order != CONN_GOES_ON && obey(c, now))
		;
	if (c->state != CONN_OVER)
		find_reset(c, now);
	if (c->state != CONN_OVER)
		relay_update(c);
	if (c->state == CONN_OVER)
		conn_free(c, now);
	else if (c->is_held && !was_held)
		conn_set_timer(c, HELD_NS);
	else if (is_securing(c) && !was_secured)
		conn_set_timer(c, SECURE_NS);
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

/* A socket that was connecting may have failed to. */
static void
shake(struct conn *c, enum smtp_side side, int64_t now)
{
	int error = leg_connect_error(&c->leg[side]);

	if (error)
		connect_next(c, error, now);
	else
		secure_continue(c, side, now);
}

static void
on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct conn *c = w->data;
	enum smtp_side side = w == &c->leg[SMTP_CLIENT].io ? SMTP_CLIENT :
	    SMTP_SERVER;
	bool reads = revents & EV_READ || leg_reads_by_writing(&c->leg[side]);
	int64_t now = clock_ns();

	(void)loop;
	if (c->leg[side].shaking)
		shake(c, side, now);
	else if (reads && !relay_read(c, side, now))
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
	if (is_securing(c))
		return c->since_ns + SECURE_NS;
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
	enum smtp_side side;

	if (c->state == CONN_PARTING)
		c->state = CONN_OVER;
	else if (secure_pending(c, &side) && c->leg[side].connected)
		secure_time_out(c, side, now);
	else if (c->state != CONN_LEFT && !c->leg[SMTP_SERVER].connected)
		connect_next(c, ETIMEDOUT, now);
	else if (c->is_held) {
		/* the server may want all of it before it answers */
		smtp_give_up(&c->smtp);
		relay_understand(c);
		c->is_held = false;
	} else {
		stats_add(&c->worker->stats.timeouts, 1);
		parting_begin(c, "smtptap:idle-timeout", parting_may_speak(c),
		    "4.4.2", "closing after a long silence", now);
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
		conn_set_timer(c, due(c) - now);
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
	if (passage_open(c, client)) {
		connect_next(c, 0, now);
		if (c->listener->implicit_tls & LISTENER_IMPLICIT_CLIENT)
			secure_begin(c, SMTP_CLIENT, now);
	} else {
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

	parting_begin(c, "smtptap:shutdown", parting_may_speak(c), "4.3.2",
	    "shutting down", now);
	if (at_once)
		c->state = CONN_OVER;
	conn_settle(c, now);
}
