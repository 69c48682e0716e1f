#include "tests/unit/gated.h"

#include <stdio.h>
#include <stdlib.h>

static enum smtp_side
other(enum smtp_side side)
{
	return side == SMTP_CLIENT ? SMTP_SERVER : SMTP_CLIENT;
}

static void
append(struct gated_text *t, struct span bytes)
{
	if (bytes.n == 0)
		return;
	if (t->room - t->n < bytes.n) {
		t->room = (t->n + bytes.n) * 2;
		t->p = realloc(t->p, t->room);
		if (t->p == NULL)
			abort();
	}
	memcpy(t->p + t->n, bytes.p, bytes.n);
	t->n += bytes.n;
}

/* What is left of t, in memory that ends where it ends: a sanitizer sees who
 * reads on. The caller frees. */
static char *
exact(const struct gated_text *t, struct span *in)
{
	char *p = malloc(t->n ? t->n : 1);

	if (p == NULL)
		abort();
	if (t->n)
		memcpy(p, t->p, t->n);
	*in = (struct span){ p, t->n };
	return p;
}

static void
keep(struct gated_text *t, struct span left)
{
	if (left.n)
		memmove(t->p, t->p + t->n - left.n, left.n);
	t->n = left.n;
}

static bool
observe_side(struct gated_observer *o, enum smtp_side side)
{
	struct smtp_event ev;
	struct span in;
	char *p = exact(&o->unread[side], &in);
	bool moved = false;

	while (smtp_next(&o->smtp, side, &in, &ev) == SMTP_EVENT) {
		o->odd[side] |= ev.anomalies;
		o->answered += ev.tile == SMTP_REPLY && ev.answered;
		moved = true;
	}
	keep(&o->unread[side], in);
	free(p);
	return moved;
}

/* side has sent, or been sent, these bytes, or the end of the stream. */
static void
observe(struct gated_observer *o, enum smtp_side side, struct span bytes,
    bool end)
{
	append(&o->unread[side], bytes);
	if (end)
		smtp_end(&o->smtp, side);
	for (int still = 0; still < 3; side = other(side))
		still = observe_side(o, side) ? 0 : still + 1;
}

static void
arrive(struct gated *g, enum smtp_side at, struct span bytes)
{
	append(&g->at[at], bytes);
	observe(&g->beside[at], other(at), bytes, false);
}

static void
wrong(struct gated *g, const char *what)
{
	if (g->wrong == NULL)
		g->wrong = what;
}

static void
tell(struct gated *g, const struct gate_step *step)
{
	append(&g->told, span_of(step->rule ? step->rule : "?"));
	append(&g->told, span_of(step->dry ? " (not done): " : ": "));
	append(&g->told, step->detail);
	append(&g->told, SPAN("\n"));
}

static bool
is_line(struct span s)
{
	return s.n > 5 && s.n <= POLICY_REPLY_MAX && s.p[s.n - 2] == '\r' &&
	    span_line(s) == s.n;
}

static void
end(struct gated *g, const struct gate_step *step)
{
	g->left = true;
	if (step->move == GATE_LEAVE)
		return;
	g->closed = true;
	g->reset = step->move == GATE_RESET;
	g->end_rule = step->rule;
}

/* Bytes of ours; ahead: those around them have gone already. */
static void
make(struct gated *g, enum smtp_side to, struct span bytes, bool ahead)
{
	if (ahead)
		wrong(g, "something is put into what is gone");
	if (!g->closed && !(to == SMTP_SERVER && g->left))
		arrive(g, to, bytes);
}

/* The next piece of the bytes that came. */
static void
take(struct gated *g, struct span *raw, struct span piece)
{
	if (piece.n > raw->n || piece.p != raw->p)
		wrong(g, "passed and withheld are not the bytes that came");
	else
		(void)span_cut(raw, piece.n);
}

/* gone: octets at the front of raw that have arrived already. */
static void
pass(struct gated *g, enum smtp_side to, struct span bytes, size_t *gone)
{
	size_t n = bytes.n < *gone ? bytes.n : *gone;

	*gone -= n;
	make(g, to, span_from(bytes, n), false);
}

/* A handshake begins: what that side has said and nobody has read is lost. */
static void
secure(struct gated *g, enum smtp_side side)
{
	if (g->securing[side] || g->secured[side])
		wrong(g, "TLS within TLS");
	g->securing[side] = true;
}

/* Another connection to the server. */
static void
rejoin(struct gated *g)
{
	g->unread[SMTP_SERVER].n = g->ahead[SMTP_SERVER] = 0;
	smtp_start(&g->beside[SMTP_SERVER].smtp);
	g->beside[SMTP_SERVER].unread[SMTP_CLIENT].n =
	    g->beside[SMTP_SERVER].unread[SMTP_SERVER].n = 0;
	g->rejoined++;
}

/* A step that is about no bytes of the event. */
static void
act(struct gated *g, const struct gate_step *step)
{
	switch (step->move) {
	case GATE_ASK:
		if (g->securing[SMTP_SERVER])
			wrong(g, "a command in the middle of a handshake");
		if (step->bytes.p[0] == '\r')
			g->asked++;
		make(g, SMTP_SERVER, step->bytes, false);
		break;
	case GATE_REJOIN:
		rejoin(g);
		break;
	case GATE_SECURE_SERVER:
		secure(g, SMTP_SERVER);
		break;
	case GATE_SECURE_CLIENT:
		secure(g, SMTP_CLIENT);
		break;
	case GATE_REPLY:
		if (g->securing[SMTP_CLIENT])
			wrong(g, "a reply in the middle of a handshake");
		if (!is_line(step->bytes))
			wrong(g, "a reply of ours is no line");
		g->own++;
		make(g, SMTP_CLIENT, step->bytes, false);
		break;
	case GATE_TELL:
		tell(g, step);
		break;
	default:
		end(g, step);
	}
}

static void
do_step(struct gated *g, const struct gate_step *step,
    const struct smtp_event *ev, struct span *raw, size_t *gone)
{
	bool ahead = *gone > 0;

	switch (step->move) {
	case GATE_PASS:
		take(g, raw, step->bytes);
		pass(g, other(ev->side), step->bytes, gone);
		break;
	case GATE_WITHHOLD:
		take(g, raw, step->bytes);
		if (ahead && step->bytes.n)
			wrong(g, "what is gone is withheld");
		break;
	case GATE_MAKE:
		make(g, other(ev->side), step->bytes, ahead);
		break;
	default:
		act(g, step);
	}
}

/* The steps are what the gate says they are. */
static void
check_fate(struct gated *g, enum gate_fate fate, const struct gate_step *step)
{
	if ((fate == GATE_FORWARDED && (step->move == GATE_WITHHOLD ||
	    step->move == GATE_MAKE)) || (fate == GATE_WITHHELD &&
	    (step->move == GATE_PASS || step->move == GATE_MAKE)))
		wrong(g, "the fate of an event is another");
}

static void
decide(struct gated *g, const struct smtp_event *ev)
{
	size_t gone = gate_holds(&g->gate, ev->side) ? g->ahead[ev->side] :
	    ev->raw.n;
	struct span raw = ev->raw;
	struct gate_step step;
	enum gate_fate fate;

	if (gate_holds(&g->gate, ev->side))
		g->ahead[ev->side] -= gone < raw.n ? gone : raw.n;
	g->odd |= ev->anomalies;
	gate_event(&g->gate, &g->smtp, ev, gone, g->now_us);
	fate = gate_fate(&g->gate);
	while (gate_next(&g->gate, &step)) {
		check_fate(g, fate, &step);
		do_step(g, &step, ev, &raw, &gone);
	}
	if (raw.n)
		wrong(g, "bytes that were neither passed nor withheld");
}

static bool
is_ready(struct gated *g, enum smtp_side side, struct span in)
{
	if (g->closed || (side == SMTP_SERVER && g->left) ||
	    g->securing[SMTP_CLIENT] || g->securing[SMTP_SERVER])
		return false;
	return !gate_holds(&g->gate, side) || (g->ended[0] && g->ended[1]) ||
	    gate_ready(&g->gate, &g->smtp, side, in, g->ended[side]);
}

static bool
pull(struct gated *g, enum smtp_side side)
{
	struct smtp_event ev;
	struct span in;
	char *p = exact(&g->unread[side], &in);
	bool moved = false;

	while (is_ready(g, side, in) &&
	    smtp_next(&g->smtp, side, &in, &ev) == SMTP_EVENT) {
		decide(g, &ev);
		moved = true;
	}
	keep(&g->unread[side], in);
	free(p);
	return moved;
}

/* What a side in a handshake has said before it. */
static void
drop(struct gated *g)
{
	for (int side = 0; side < 2; side++) {
		if (!g->securing[side])
			continue;
		g->dropped[side] += g->unread[side].n;
		g->unread[side].n = g->ahead[side] = 0;
	}
}

/* What waits only to know where a message ends is sent on all the same. */
static void
flush(struct gated *g)
{
	struct span waiting = { g->unread[SMTP_CLIENT].p,
	    g->unread[SMTP_CLIENT].n };
	size_t *ahead = &g->ahead[SMTP_CLIENT];

	if (!gate_holds(&g->gate, SMTP_CLIENT) || g->left ||
	    !smtp_doubts_content(&g->smtp) || waiting.n <= *ahead)
		return;
	arrive(g, SMTP_SERVER, span_from(waiting, *ahead));
	*ahead = waiting.n;
}

static void
pull_both(struct gated *g, enum smtp_side first)
{
	for (int still = 0; still < 3; first = other(first))
		still = pull(g, first) ? 0 : still + 1;
	drop(g);
	flush(g);
}

void
gated_open(struct gated *g, const struct policy *policy)
{
	static const struct gate_peers peers = {
		.client = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 7 },
		.client_text = { "192.0.2.7", 9 },
		.server_host = { "mail2.corp.local", 16 },
	};

	*g = (struct gated){ .now_us = 1 };
	memset(&g->mime, 0xa5, sizeof g->mime);	/* the caller's need not be
						 * clear */
	smtp_start(&g->smtp);
	smtp_start(&g->beside[SMTP_CLIENT].smtp);
	smtp_start(&g->beside[SMTP_SERVER].smtp);
	gate_open(&g->gate, policy, &peers,
	    policy->reads_content ? &g->mime : NULL, NULL);
	gate_connected(&g->gate, SPAN("198.51.100.2"), SPAN("198.51.100.1"));
}

void
gated_say(struct gated *g, enum smtp_side side, struct span bytes)
{
	observe(&g->beside[side], side, bytes, false);
	if (g->closed || (side == SMTP_SERVER && g->left))
		return;
	if (!gate_holds(&g->gate, side))
		arrive(g, other(side), bytes);
	append(&g->unread[side], bytes);
	pull_both(g, side);
}

void
gated_end(struct gated *g, enum smtp_side side)
{
	g->ended[side] = true;
	observe(&g->beside[side], side, (struct span){ 0 }, true);
	smtp_end(&g->smtp, side);
	pull_both(g, side);
}

/* That side's observer has seen TLS begin, and forgets with it. */
static void
start_over(struct gated *g, enum smtp_side side)
{
	struct gated_observer *o = &g->beside[side];

	g->secured[side] = true;
	smtp_tls_started(&o->smtp);
	o->unread[SMTP_CLIENT].n = o->unread[SMTP_SERVER].n = 0;
}

void
gated_secured(struct gated *g, enum smtp_side side, const char *why)
{
	struct gate_step step;

	if (!g->securing[side])
		wrong(g, "no handshake is under way");
	g->securing[side] = false;
	if (why == NULL)
		start_over(g, side);
	gate_secured(&g->gate, &g->smtp, side, why);
	while (gate_next(&g->gate, &step)) {
		if (step.move <= GATE_MAKE)
			wrong(g, "bytes of no event");
		act(g, &step);
	}
	pull_both(g, SMTP_CLIENT);
}

struct span
gated_at(const struct gated *g, enum smtp_side side)
{
	return (struct span){ g->at[side].p, g->at[side].n };
}

void
gated_close(struct gated *g)
{
	for (int side = 0; side < 2; side++) {
		free(g->unread[side].p);
		free(g->at[side].p);
		free(g->beside[side].unread[SMTP_CLIENT].p);
		free(g->beside[side].unread[SMTP_SERVER].p);
	}
	free(g->told.p);
}
