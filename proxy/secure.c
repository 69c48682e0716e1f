#include "proxy/secure.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "proxy/clock.h"
#include "proxy/log.h"
#include "proxy/relay.h"
#include "proxy/tls.h"

/* Octets that nobody may speak yet stand behind the 220. */
static bool
is_readable(const struct leg *l)
{
	char octet;

	return recv(l->io.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Nothing of the clear crosses into TLS (CVE-2011-0411). */
static void
drop_clear(struct conn *c, enum smtp_side side)
{
	struct buffer *rest = &c->leg[side].rest;
	struct smtp_event ev = { .tile = SMTP_OPAQUE, .side = side,
	    .anomalies = SMTP_ODD(STARTTLS_INJECTION),
	    .raw = buffer_all(rest) };

	if (rest->n == 0)
		return;
	if (side == SMTP_CLIENT)
		ev.secret = ev.raw;	/* nobody knows what it was */
	tap_event(&c->tap, &ev, TAP_WITHHELD);
	tap_settle(&c->tap);
	buffer_drop(rest, rest->n);
}

static void
log_failure(const struct conn *c, enum smtp_side side, const char *why)
{
	struct log_line line;

	line.n = 0;
	log_uuid(&line, "sid", c->tap.facts.uuid);
	log_str(&line, "side", side == SMTP_CLIENT ? "client" : "server");
	log_str(&line, "doing", "tls");
	log_str(&line, "error", why);
	log_write(&line);
}

static const char *
verified(const struct tls_facts *facts)
{
	switch (facts->verdict) {
	case TLS_UNASKED:
		return "";
	case TLS_ABSENT:
		return "no certificate";
	case TLS_GOOD:
		return "ok";
	case TLS_BAD:
		return facts->reason;
	}
	return "";
}

/* The tap is told what was agreed on. A certificate for which there is no memory
 * ends the chain. */
static void
tell_tap(struct conn *c, enum smtp_side side, int64_t now)
{
	const struct tls *tls = c->leg[side].tls;
	struct tls_facts facts;
	const char *chain[TLS_CHAIN_MAX];
	unsigned n = 0;
	char *pem;

	tls_facts(tls, &facts);
	pem = malloc((size_t)facts.n_chain * TLS_PEM_MAX);
	for (; pem && n < facts.n_chain; n++) {
		chain[n] = pem + (size_t)n * TLS_PEM_MAX;
		if (tls_chain_pem(tls, n, pem + (size_t)n * TLS_PEM_MAX) == 0)
			break;
	}
	tap_secured(&c->tap, side, &(struct tap_tls){
	    .version = facts.version, .cipher = facts.cipher,
	    .group = facts.group, .sni = facts.sni, .alpn = facts.alpn,
	    .verified = verified(&facts), .resumed = facts.resumed,
	    .handshake_us = facts.handshake_ns / 1000, .chain = chain,
	    .n_chain = n }, now);
	free(pem);
}

/* An event of the session, and a line of the log. */
static void
tell_failure(struct conn *c, enum smtp_side side, const char *why)
{
	tap_rule(&c->tap, side, "tls", "failed", "warning", span_of(why),
	    false);
	log_failure(c, side, why);
}

/* Both sides of a session with implicit TLS begin without the gate. */
static bool
is_implicit(const struct conn *c, enum smtp_side side)
{
	return (c->listener->implicit_tls & (side == SMTP_CLIENT ?
	    LISTENER_IMPLICIT_CLIENT : LISTENER_IMPLICIT_UPSTREAM)) != 0;
}

/* What a client has said while its 220 was not there yet is in the clear; with what
 * it said before, it is dropped when its own handshake begins. */
static void
hear_early(struct conn *c, int64_t now)
{
	bool said = !is_implicit(c, SMTP_CLIENT) &&
	    !is_implicit(c, SMTP_SERVER);

	if (said && c->listener->tls_client &&
	    is_readable(&c->leg[SMTP_CLIENT]))
		(void)relay_read(c, SMTP_CLIENT, now);
}

static void
over(struct conn *c, enum smtp_side side, const char *why, int64_t now)
{
	struct leg *l = &c->leg[side];

	l->shaking = false;
	if (side == SMTP_SERVER && why == NULL)
		hear_early(c, now);
	if (why)
		tell_failure(c, side, why);
	else
		tell_tap(c, side, now);
	c->active_ns = now;
	if (!is_implicit(c, side))
		passage_secured(c, side, why);
	else if (why)
		c->order = side == SMTP_CLIENT ? CONN_PARTS :
		    CONN_MISSES_SERVER;
	if (why && c->order != CONN_REJOINS)
		c->ended_by = "smtptap:tls-failed";
	if (why == NULL) {
		leg_flush(l);
		relay_understand(c);
	}
}

/* A client that asks for no name gets a certificate for the server's. */
static struct tls *
with_client(struct conn *c)
{
	struct tls *tls = tls_accept(c->listener->tls_client,
	    c->leg[SMTP_CLIENT].io.fd);
	struct tls_facts server = { .name = "" };

	if (c->leg[SMTP_SERVER].tls)
		tls_facts(c->leg[SMTP_SERVER].tls, &server);
	if (tls)
		tls_set_name(tls, server.name[0] ? server.name :
		    c->listener->tls_name);
	return tls;
}

void
secure_begin(struct conn *c, enum smtp_side side, int64_t now)
{
	const struct settings_listener *listener = c->listener;
	struct leg *l = &c->leg[side];

	/* In TLS the client speaks first (CVE-2021-22947). */
	if (side == SMTP_SERVER && !is_implicit(c, side) &&
	    (l->rest.n || is_readable(l))) {
		drop_clear(c, side);
		over(c, side, "the mail server spoke behind its 220", now);
		return;
	}
	drop_clear(c, side);
	l->tls = side == SMTP_CLIENT ? with_client(c) :
	    tls_connect(listener->tls_upstream, l->io.fd,
	    listener->tls_name);
	if (l->tls == NULL) {
		over(c, side, "out of memory", now);
		return;
	}
	l->shaking = true;
	l->shaking_wants = EV_WRITE;
	c->since_ns = now;
	secure_continue(c, side, now);
}

/* A step of a handshake is the most that a session can ask of a loop at once: many
 * that are ready together take turns, and nobody else waits for all of them. */
static bool
has_time(struct worker *w)
{
	unsigned turn = ev_iteration(w->loop);

	if (w->shaking_turn != turn)
		w->shaken_ns = 0;
	w->shaking_turn = turn;
	return w->shaken_ns < SECURE_TURN_NS;
}

static enum tls_step
take_step(struct worker *w, struct tls *tls)
{
	int64_t begin = clock_ns();
	enum tls_step step = tls_handshake(tls);

	w->shaken_ns += clock_ns() - begin;
	return step;
}

void
secure_continue(struct conn *c, enum smtp_side side, int64_t now)
{
	struct leg *l = &c->leg[side];

	if (!has_time(c->worker))
		return;		/* its socket is ready in the next turn, too */
	l->shaking_wants = EV_WRITE;
	if (!leg_is_connected(l))
		return;
	switch (take_step(c->worker, l->tls)) {
	case TLS_WANTS_READ:
		l->shaking_wants = EV_READ;
		break;
	case TLS_WANTS_WRITE:
		break;
	case TLS_DONE:
		over(c, side, NULL, now);
		break;
	case TLS_FAILED:
		over(c, side, tls_why(l->tls), now);
		break;
	}
}

void
secure_time_out(struct conn *c, enum smtp_side side, int64_t now)
{
	struct tls *tls = c->leg[side].tls;

	tls_time_out(tls);
	over(c, side, tls_why(tls), now);
}

bool
secure_pending(const struct conn *c, enum smtp_side *side)
{
	for (int i = 0; i < 2; i++)
		if (c->leg[i].shaking) {
			*side = (enum smtp_side)i;
			return true;
		}
	return false;
}
