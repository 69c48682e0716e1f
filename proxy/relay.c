#include "proxy/relay.h"

#include <errno.h>

#include "proxy/clock.h"
#include "proxy/log.h"

static void
out_of_memory(struct conn *c)
{
	c->ended_by = "smtptap:out-of-memory";
	c->state = CONN_OVER;
}

/* Room for the record of what is read next. */
static bool
recorder_has_room(struct conn *c)
{
	const struct worker *w = c->worker;

	if (w->port && c->settings->on_failure == ON_FAILURE_STALL &&
	    recorder_failing(w->port))
		return false;
	return tap_ready(&c->tap);
}

static void
log_event(const struct conn *c, const struct smtp_event *ev)
{
	struct log_line line;

	line.n = 0;
	log_uuid(&line, "sid", c->tap.facts.uuid);
	log_str(&line, "side", ev->side == SMTP_CLIENT ? "client" : "server");
	log_str(&line, "tile", smtp_tile_name(ev->tile));
	log_str(&line, "verb", smtp_verb_name(ev->verb));
	log_uint(&line, "code", (uint64_t)ev->code);
	log_uint(&line, "octets", ev->raw.n);
	log_str(&line, "fact", smtp_fact_name(ev->fact));
	for (enum smtp_anomaly a = 0; a < SMTP_ANOMALIES; a++)
		if (ev->anomalies & (UINT64_C(1) << a))
			log_str(&line, "event", smtp_anomaly(a)->name);
	log_write(&line);
}

/* The patience of RFC 5321 4.5.3.2 is longer within mail data and until its
 * end is answered. */
static void
note_phase(struct conn *c, const struct smtp_event *ev)
{
	if (ev->tile == SMTP_CONTENT || ev->fact == SMTP_FACT_DATA_BEGINS)
		c->in_data = true;
	else if (ev->tile == SMTP_REPLY && ev->last)
		c->in_data = false;
}

/* Understand what there is of a side. False: nothing more for now. When all is
 * over the recorder takes what is left: that is bounded, by the rests. */
static bool
understand_side(struct conn *c, enum smtp_side side, struct span *in)
{
	struct smtp_event ev;
	bool moved = false;

	while ((c->state == CONN_OVER || recorder_has_room(c)) &&
	    passage_ready(c, side, *in) &&
	    smtp_next(&c->smtp, side, in, &ev) == SMTP_EVENT) {
		if (c->passage)
			passage_event(c, side, &ev);
		else
			tap_event(&c->tap, &ev, TAP_FORWARDED);
		note_phase(c, &ev);
		if (log_is(LOG_DEBUG))
			log_event(c, &ev);
		moved = true;
	}
	return moved;
}

/* What one side has said, or that it has ended, may be what the other side's
 * bytes wait for: go on until a look at both has changed nothing. The bytes may
 * move after this. */
static void
understand(struct conn *c, enum smtp_side side, struct span in[2])
{
	for (int still = 0; still < 3; side = smtp_other(side))
		still = understand_side(c, side, &in[side]) ? 0 : still + 1;
	passage_flush(c, in);
	tap_settle(&c->tap);
}

void
relay_understand(struct conn *c)
{
	struct span in[2];

	for (int i = 0; i < 2; i++)
		in[i] = buffer_all(&c->leg[i].rest);
	understand(c, SMTP_CLIENT, in);
	for (int i = 0; i < 2; i++)
		buffer_drop(&c->leg[i].rest, c->leg[i].rest.n - in[i].n);
}

/* As relay_understand(), with fresh bytes of a side in the worker's buffer:
 * what is left of before is put in front of them there. */
static void
understand_fresh(struct conn *c, enum smtp_side side, struct span fresh)
{
	struct buffer *rest = &c->leg[side].rest;
	struct buffer *others = &c->leg[smtp_other(side)].rest;
	size_t before = rest->n;
	struct span in[2];

	memcpy(c->worker->buffer + SMTP_LINE_MAX - before,
	    buffer_all(rest).p, before);
	in[side] = (struct span){ fresh.p - before, fresh.n + before };
	in[smtp_other(side)] = buffer_all(others);
	understand(c, side, in);
	buffer_drop(others, others->n - in[smtp_other(side)].n);
	if (in[side].n <= fresh.n)
		buffer_drop(rest, before);
	else {		/* not even the old bytes have all been understood */
		buffer_drop(rest, before + fresh.n - in[side].n);
		in[side] = fresh;
	}
	if (!buffer_put(rest, in[side]))
		out_of_memory(c);
}

/* Octets received, now and for the counters. */
static void
note_received(struct conn *c, enum smtp_side side, size_t n, int64_t now)
{
	struct stats *stats = &c->worker->stats;

	if (c->state == CONN_RELAYING)
		c->active_ns = now;
	stats_add(side == SMTP_CLIENT ? &stats->octets_in : &stats->octets_out,
	    n);
	tap_received(&c->tap, side, n, now);
}

/* A server that answers is there, and has been since it accepted. */
static void
note_connected(struct conn *c, enum smtp_side side)
{
	if (c->leg[side].connected)
		return;
	c->leg[side].connected = true;
	passage_connected(c);
	origin_reached(c->listener->origin);
}

bool
relay_read(struct conn *c, enum smtp_side side, int64_t now)
{
	struct leg *from = &c->leg[side], *to = &c->leg[smtp_other(side)];
	char *bytes = c->worker->buffer + SMTP_LINE_MAX;
	struct span fresh;
	ssize_t n;

	n = leg_recv(from, bytes, WORKER_READ_MAX);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < 0 && from->error == 0)
		from->error = errno;
	if (n > 0 || from->error == 0 || from->error == ECONNRESET)
		note_connected(c, side);	/* to be refused is no reset */
	if (n <= 0)
		return false;
	fresh = (struct span){ bytes, (size_t)n };
	if (leg_is_open(to) && !passage_holds(c, side) && !leg_send(to, fresh))
		out_of_memory(c);
	note_received(c, side, fresh.n, now);
	understand_fresh(c, side, fresh);
	return true;
}

void
relay_write(struct conn *c, enum smtp_side side, int64_t now)
{
	struct leg *l = &c->leg[side];
	bool was_choked = passage_is_choked(c, side);
	size_t before = l->out.n;

	leg_flush(l);
	if (was_choked && !passage_is_choked(c, side))
		relay_understand(c);
	if (l->out.n < before && c->state == CONN_RELAYING)
		c->active_ns = now;
	if (!l->connected)
		(void)leg_is_connected(l);
}

void
relay_end(struct conn *c, enum smtp_side side, bool reset, int64_t now)
{
	c->leg[side].ended = true;
	if (c->ended_by == NULL)
		c->ended_by = side == SMTP_CLIENT ? "client" : "server";
	tap_closed(&c->tap, side, reset, now);
	smtp_end(&c->smtp, side);
	relay_understand(c);
}

void
relay_finish(struct conn *c)
{
	smtp_end(&c->smtp, SMTP_CLIENT);
	smtp_end(&c->smtp, SMTP_SERVER);
	if (c->leg[SMTP_CLIENT].rest.n || c->leg[SMTP_SERVER].rest.n)
		relay_understand(c);
}

void
relay_own(struct conn *c, struct span reply, int64_t now)
{
	if (!leg_send(&c->leg[SMTP_CLIENT], reply))
		out_of_memory(c);
	tap_own(&c->tap, SMTP_SERVER, reply, false, now);
}

/* A side's end of stream goes to the other behind its last octet, which may still
 * wait to be understood. A socket that is still connecting must not be shut: the
 * kernel would give up connecting. */
static void
pass_end(struct conn *c, enum smtp_side side)
{
	struct leg *from = &c->leg[side], *to = &c->leg[smtp_other(side)];

	if (from->ended && !(from->rest.n && passage_holds(c, side)) &&
	    leg_is_open(to) && to->connected && !to->shut && !to->shaking &&
	    !to->error && to->out.n == 0 && !to->ended)
		leg_shut(to);
}

/* Nothing is to come from either side, and what came has gone. */
static bool
is_over(const struct conn *c)
{
	for (int i = 0; i < 2; i++) {
		const struct leg *l = &c->leg[i];

		if (c->state == CONN_LEFT && i == SMTP_SERVER)
			continue;
		if (!l->ended || (leg_is_open(l) && l->out.n && !l->error))
			return false;
	}
	return true;
}

/* A side that has ended must not be read again: it would be ready for ever.
 * One that has failed is read to its end, but it takes nothing any more. */
static int
interest(const struct conn *c, enum smtp_side side)
{
	const struct leg *l = &c->leg[side], *peer = &c->leg[smtp_other(side)];
	bool wanted = !leg_is_open(peer) || (!peer->out.n && !peer->error);
	bool end_due = peer->ended && !l->connected;
	int events = 0;

	if (l->shaking)
		return l->shaking_wants;
	wanted &= !passage_is_choked(c, side);
	if (!l->ended && !c->is_stalled && wanted && l->rest.n < SMTP_LINE_MAX)
		events |= EV_READ;
	if (!l->error && (l->out.n || end_due || leg_reads_by_writing(l)))
		events |= EV_WRITE;
	return events;
}

static void
join_lists(struct conn *c)
{
	struct worker *w = c->worker;
	bool stalled = !recorder_has_room(c);

	if (stalled && !c->is_stalled) {
		LIST_INSERT_HEAD(&w->stalled, c, stalled);
		stats_add(&w->stats.stalls, 1);
		worker_arm_flush(w);
	} else if (!stalled && c->is_stalled)
		LIST_REMOVE(c, stalled);
	c->is_stalled = stalled;
	if (!c->is_dirty && tap_dirty(&c->tap)) {
		LIST_INSERT_HEAD(&w->dirty, c, dirty);
		c->is_dirty = true;
		worker_arm_flush(w);
	}
}

/* It waits to be understood, and no more of it is read. What has not been sent
 * on does not count: the server may take its time. Nor does it where the other
 * side's bytes are held: they must be understood. */
static bool
is_full(const struct conn *c, enum smtp_side side)
{
	return c->leg[side].rest.n >= SMTP_LINE_MAX &&
	    !passage_holds(c, SMTP_CLIENT) && !passage_holds(c, SMTP_SERVER);
}

/* What TLS has decrypted already is read in the next turn. */
static void
watch(struct conn *c, enum smtp_side side)
{
	struct leg *l = &c->leg[side];
	int events = interest(c, side);

	leg_watch(l, c->worker->loop, events);
	if (events & EV_READ && leg_has_more(l))
		ev_feed_event(c->worker->loop, &l->io, EV_READ);
}

void
relay_update(struct conn *c)
{
	for (int side = 0; side < 2; side++)
		pass_end(c, (enum smtp_side)side);
	if (is_over(c))
		c->state = CONN_OVER;
	if (c->state == CONN_OVER)
		return;
	join_lists(c);
	c->is_held = !c->is_stalled &&
	    (is_full(c, SMTP_CLIENT) || is_full(c, SMTP_SERVER));
	for (int side = 0; side < 2; side++)
		watch(c, (enum smtp_side)side);
}
