#include "proxy/passage.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "proxy/clock.h"
#include "proxy/conn.h"

/* As networks of a policy are written. */
static void
to_octets(const struct address *a, unsigned char octets[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->sa.any.sa_family == AF_INET6) {
		memcpy(octets, &a->sa.in6.sin6_addr, 16);
		return;
	}
	memcpy(octets, mapped, sizeof(mapped));
	memcpy(octets + sizeof(mapped), &a->sa.in4.sin_addr, 4);
}

bool
passage_open(struct conn *c, const struct address *client)
{
	const struct policy *policy = c->listener->policy;
	struct gate_peers peers;
	struct passage *p;
	char text[ADDRESS_TEXT];

	if (policy == NULL || policy_is_empty(policy))
		return true;
	p = malloc(sizeof(*p) +
	    (policy->reads_content ? sizeof(*p->mime) : 0));
	if (p == NULL)
		return false;
	p->ahead[SMTP_CLIENT] = p->ahead[SMTP_SERVER] = 0;
	to_octets(client, peers.client);
	address_host_text(client, text);
	peers.client_text = span_of(text);
	peers.server_host = span_of(c->listener->upstream.host);
	gate_open(&p->gate, policy, &peers, policy->reads_content ? p->mime :
	    NULL, c->settings->rates);
	c->passage = p;
	return true;
}

/* Only a reply that is scrubbed needs to know. */
void
passage_connected(struct conn *c)
{
	char server[ADDRESS_TEXT] = "", ours[ADDRESS_TEXT] = "";
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	int fd = c->leg[SMTP_SERVER].io.fd;
	struct address a;

	if (c->passage == NULL || !c->listener->policy->knows_addresses)
		return;
	if (getpeername(fd, (struct sockaddr *)&sa, &n) == 0 &&
	    address_from(&a, (struct sockaddr *)&sa))
		address_host_text(&a, server);
	n = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &n) == 0 &&
	    address_from(&a, (struct sockaddr *)&sa))
		address_host_text(&a, ours);
	gate_connected(&c->passage->gate, span_of(server), span_of(ours));
}

bool
passage_holds(const struct conn *c, enum smtp_side side)
{
	return c->passage && gate_holds(&c->passage->gate, side);
}

bool
passage_is_choked(const struct conn *c, enum smtp_side side)
{
	const struct leg *l = &c->leg[side];

	return c->passage && l->out.n >= SMTP_LINE_MAX && !l->error;
}

bool
passage_ready(struct conn *c, enum smtp_side side, struct span in)
{
	if (c->passage == NULL || c->state == CONN_OVER ||
	    !passage_holds(c, side))
		return true;
	return !passage_is_choked(c, side) && gate_ready(&c->passage->gate,
	    &c->smtp, side, in, c->leg[side].ended);
}

static void
send_run(struct conn *c, enum smtp_side to)
{
	struct passage_outbound *o = &c->worker->outbound[to];
	struct leg *l = &c->leg[to];

	if (o->run.n && leg_is_open(l) && !leg_send(l, o->run)) {
		c->ended_by = "smtptap:out-of-memory";
		c->state = CONN_OVER;
	}
	o->run.n = 0;
	o->copied_run = false;
}

/* Behind what has been copied already; false: there is no room. */
static bool
copy(struct passage_outbound *o, struct span bytes)
{
	size_t before = o->copied_run ? o->run.n : 0;

	if (bytes.n > sizeof(o->copied) - before)
		return false;
	memcpy(o->copied + before, bytes.p, bytes.n);
	o->run = (struct span){ o->copied, before + bytes.n };
	o->copied_run = true;
	return true;
}

/* Bytes for a side, behind those of before. lasting: they stay where they are to
 * the end of the turn. */
static void
forward(struct conn *c, enum smtp_side to, struct span bytes, bool lasting)
{
	struct passage_outbound *o = &c->worker->outbound[to];

	if (bytes.n == 0)
		return;
	if (o->run.n && !o->copied_run && lasting &&
	    o->run.p + o->run.n == bytes.p) {
		o->run.n += bytes.n;
		return;
	}
	if (o->run.n && !o->copied_run && !copy(o, o->run))
		send_run(c, to);
	if (o->run.n == 0 && lasting) {
		o->run = bytes;
		return;
	}
	if (copy(o, bytes))
		return;
	send_run(c, to);
	if (lasting)
		o->run = bytes;
	else
		(void)copy(o, bytes);	/* ours are short */
}

/* A session that ends, and one that is kept from turning to TLS. */
static bool
is_grave(const struct gate_step *step)
{
	switch (step->action) {
	case POLICY_REJECT:
	case POLICY_DROP:
	case POLICY_RESET:
	case POLICY_RATE:
		return true;
	case POLICY_STRIP:
	case POLICY_MASK:
		return span_is(step->detail, "STARTTLS") ||
		    span_is(step->detail, "X-ANONYMOUSTLS");
	default:
		return false;
	}
}

static void
tell(struct conn *c, enum smtp_side side, const struct gate_step *step)
{
	tap_rule(&c->tap, side, step->rule, policy_action_name(step->action),
	    is_grave(step) ? "warning" : "notice", step->detail, step->dry);
}

static void
order(struct conn *c, enum conn_order what)
{
	c->order = what;
	if (c->ended_by == NULL)
		c->ended_by = "smtptap:policy";
}

/* gone: octets at the front that need not be sent any more. */
static void
take_step(struct conn *c, enum smtp_side side, const struct gate_step *step,
    bool edited, size_t *gone)
{
	struct span bytes = step->bytes;

	switch (step->move) {
	case GATE_PASS:
		if (edited)
			tap_passed(&c->tap, bytes);
		(void)span_cut(&bytes, bytes.n < *gone ? bytes.n : *gone);
		*gone -= step->bytes.n - bytes.n;
		forward(c, smtp_other(side), bytes, true);
		break;
	case GATE_WITHHOLD:
		if (edited)
			tap_withheld(&c->tap, bytes);
		break;
	case GATE_MAKE:
		tap_made(&c->tap, bytes);
		forward(c, smtp_other(side), bytes, false);
		break;
	case GATE_REPLY:
		tap_own(&c->tap, SMTP_SERVER, bytes,
		    passage_holds(c, SMTP_SERVER) &&
		    c->passage->ahead[SMTP_SERVER] == 0, clock_ns());
		forward(c, SMTP_CLIENT, bytes, false);
		break;
	case GATE_ASK:
		tap_own(&c->tap, SMTP_CLIENT, bytes, false, clock_ns());
		forward(c, SMTP_SERVER, bytes, false);
		break;
	case GATE_REJOIN:
		c->order = CONN_REJOINS;
		break;
	case GATE_SECURE_SERVER:
		c->order = CONN_SECURES_SERVER;
		break;
	case GATE_SECURE_CLIENT:
		c->order = CONN_SECURES_CLIENT;
		break;
	case GATE_TELL:
		tell(c, side, step);
		break;
	case GATE_LEAVE:
		order(c, CONN_LEAVES);
		break;
	case GATE_CLOSE:
		order(c, CONN_PARTS);
		break;
	case GATE_RESET:
		order(c, CONN_RESETS);
		break;
	}
}

/* Nobody is there to take it: no reply to it is due either. */
static void
drop_event(struct conn *c, const struct smtp_event *ev)
{
	if (ev->tile == SMTP_COMMAND || ev->tile == SMTP_CREDENTIAL ||
	    ev->tile == SMTP_END_OF_DATA)
		smtp_withdraw(&c->smtp, ev);
	tap_event(&c->tap, ev, TAP_UNSENT);
}

void
passage_event(struct conn *c, enum smtp_side side, const struct smtp_event *ev)
{
	static const enum tap_fate fates[] = { [GATE_FORWARDED] = TAP_FORWARDED,
	    [GATE_WITHHELD] = TAP_WITHHELD, [GATE_EDITED] = TAP_EDITED };
	struct passage *p = c->passage;
	bool held = gate_holds(&p->gate, side);
	size_t gone = held ? p->ahead[side] : ev->raw.n;
	struct gate_step step;
	enum gate_fate fate;

	if (held)
		p->ahead[side] -= gone < ev->raw.n ? gone : ev->raw.n;
	if (held && (c->state == CONN_OVER || c->has_said_421) && gone == 0) {
		drop_event(c, ev);
		return;
	}
	gate_event(&p->gate, &c->smtp, ev, gone, c->active_ns / 1000);
	fate = gate_fate(&p->gate);
	tap_event(&c->tap, ev, fates[fate]);
	while (gate_next(&p->gate, &step))
		take_step(c, side, &step, fate == GATE_EDITED, &gone);
}

void
passage_secured(struct conn *c, enum smtp_side side, const char *why)
{
	struct gate_step step;
	size_t gone = 0;

	gate_secured(&c->passage->gate, &c->smtp, side, why);
	while (gate_next(&c->passage->gate, &step))
		take_step(c, side, &step, false, &gone);
	send_run(c, SMTP_CLIENT);
	send_run(c, SMTP_SERVER);
}

/* What waits only to know where a message ends: both sides may be waiting for each
 * other's. */
static void
send_doubtful(struct conn *c, enum smtp_side side, struct span waiting)
{
	size_t *ahead = &c->passage->ahead[side];

	while (side == SMTP_SERVER && waiting.n &&
	    waiting.p[waiting.n - 1] != '\n')
		waiting.n--;	/* a reply of ours may have to follow */
	if (!passage_holds(c, side) || waiting.n <= *ahead)
		return;
	forward(c, smtp_other(side), span_from(waiting, *ahead), true);
	*ahead = waiting.n;
}

void
passage_flush(struct conn *c, const struct span waiting[2])
{
	if (c->passage == NULL)
		return;
	if (smtp_doubts_content(&c->smtp)) {
		send_doubtful(c, SMTP_CLIENT, waiting[SMTP_CLIENT]);
		send_doubtful(c, SMTP_SERVER, waiting[SMTP_SERVER]);
	}
	send_run(c, SMTP_CLIENT);
	send_run(c, SMTP_SERVER);
}
