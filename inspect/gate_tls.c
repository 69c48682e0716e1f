/* gate_tls: STARTTLS where TLS ends here, on one side or on both (RFC 3207).
 *
 * Who says what in which order; the handshakes are the caller's. From the
 * command that starts TLS until both sides are through, nothing else is read. */
#include "inspect/gating.h"

#define READY		"220 2.0.0 Ready to start TLS\r\n"
#define AGAIN		"503 5.5.1 TLS is on already\r\n"
#define HIDDEN		"502 5.5.1 Command not implemented\r\n"
#define FIRST		"530 5.7.0 Must issue a STARTTLS command first\r\n"
#define NOT_HELO	"451 4.7.0 TLS with the mail server needs EHLO\r\n"
#define FAILED		"454 4.7.0 TLS not available: "

bool
tls_ends_here(const struct gate *g)
{
	return g->base->tls != POLICY_TLS_PASS;
}

static bool
asks_server(const struct gate *g)
{
	return g->base->tls == POLICY_TLS_BRIDGE ||
	    g->base->tls == POLICY_TLS_REQUIRE;
}

static bool
lists_keywords(enum smtp_verb verb)
{
	return verb == SMTP_EHLO || verb == SMTP_LHLO;
}

bool
tls_ready(struct gate *g, const struct smtp_session *s, enum smtp_side side,
    struct span in)
{
	bool originates = g->base->tls == POLICY_TLS_ORIGINATE &&
	    g->security == GATE_CLEAR;
	bool whole;

	if (g->security == GATE_SECURING_SERVER ||
	    g->security == GATE_SECURING_CLIENT)
		return side == SMTP_SERVER && g->n_own;
	if (g->security == GATE_ASKING)
		return side == SMTP_SERVER;
	if (!originates || !lists_keywords(smtp_answering(s)))
		return true;
	if (side == SMTP_CLIENT)
		return false;	/* it may turn out to be said in the clear */
	whole = keywords_find(in, "STARTTLS", &g->offered);
	return whole || in.n >= SMTP_LINE_MAX;
}

/* Before TLS a client may say these only (RFC 3207 4). */
static bool
is_free(enum smtp_verb verb)
{
	switch (verb) {
	case SMTP_EHLO:
	case SMTP_HELO:
	case SMTP_LHLO:
	case SMTP_NOOP:
	case SMTP_RSET:
	case SMTP_HELP:
	case SMTP_QUIT:
	case SMTP_STARTTLS:
		return true;
	default:
		return false;
	}
}

static void
answer(struct gate *g, struct smtp_session *s, const struct smtp_event *ev,
    struct span reply)
{
	gate_withhold_unit(g, s, ev);
	g->why = "tls";
	gate_queue(g, smtp_awaited(s), reply, false, "tls");
}

/* Not of the policy's rules: done even if those are only tried. */
static void
tell_stripped(struct gate *g, enum policy_action action)
{
	if (g->n_tells < GATE_TELLS_MAX)
		g->tells[g->n_tells++] = (struct gate_step){ .move = GATE_TELL,
		    .rule = "tls-strip", .action = action,
		    .detail = SPAN("STARTTLS") };
}

static bool
starttls(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	if (g->security == GATE_SECURED)
		answer(g, s, ev, SPAN(AGAIN));
	else if (g->base->tls == POLICY_TLS_ORIGINATE)
		answer(g, s, ev, SPAN(HIDDEN));
	else if (g->base->tls == POLICY_TLS_STRIP) {
		tell_stripped(g, POLICY_REJECT);
		answer(g, s, ev, SPAN(HIDDEN));
	} else if (g->base->tls == POLICY_TLS_TERMINATE) {
		answer(g, s, ev, SPAN(READY));
		g->own[(g->first_own + g->n_own - 1) % GATE_OWN_MAX].secures =
		    true;
		g->security = GATE_SECURING_CLIENT;
	} else
		return false;	/* the server's answer counts */
	return true;
}

bool
tls_command(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	if (!tls_ends_here(g))
		return false;
	if (lists_keywords(ev->verb))
		gate_keep_name(&g->helo, span_chomp(ev->raw));
	if (ev->verb == SMTP_STARTTLS || ev->verb == SMTP_XANONTLS)
		return starttls(g, s, ev);
	if (g->security == GATE_SECURED)
		return false;
	if (g->base->tls == POLICY_TLS_REQUIRE && !is_free(ev->verb))
		answer(g, s, ev, SPAN(FIRST));
	else if (g->base->tls == POLICY_TLS_ORIGINATE &&
	    !g->base->tls_optional && ev->verb == SMTP_MAIL)
		answer(g, s, ev, SPAN(NOT_HELO));
	else
		return false;
	return true;
}

/* "454 4.7.0 TLS not available: REASON", composed. */
static struct span
failure(struct gate *g, const char *why)
{
	struct span reason = span_of(why);
	struct span reply = gate_make(g, FAILED, sizeof FAILED - 1);

	if (reason.n > 200)
		reason.n = 200;
	reply.n += gate_make(g, reason.p, reason.n).n;
	reply.n += gate_make(g, "\r\n", 2).n;
	return reply;
}

static void
ask(struct gate *g, struct smtp_session *s, struct span command,
    enum smtp_verb verb)
{
	g->asks[0] = command;
	g->asks[1] = SPAN("\r\n");
	smtp_inject(s, verb);
}

/* The reply to the client's EHLO is kept back until it can be given in TLS. */
static void
originate(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	if (!g->offered && g->base->tls_optional)
		return;
	if (!g->offered) {
		gate_withhold(g);
		gate_close_with(g, failure(g, "the mail server does not offer "
		    "it"), "tls");
		return;
	}
	gate_withhold(g);
	if (!ev->last)
		return;
	g->security = GATE_ASKING;
	ask(g, s, SPAN("STARTTLS"), SMTP_STARTTLS);
}

bool
tls_reply(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	bool ours = g->security == GATE_ASKING;

	if (!tls_ends_here(g) || g->security == GATE_SECURED || ev->code == 0)
		return false;
	if (g->base->tls == POLICY_TLS_ORIGINATE && !ours &&
	    lists_keywords(ev->verb) && ev->code / 100 == 2)
		originate(g, s, ev);
	else if (ev->verb == SMTP_STARTTLS && ev->code / 100 == 2 &&
	    (ours || asks_server(g))) {
		gate_withhold(g);
		if (ev->last) {
			g->security = GATE_SECURING_SERVER;
			g->end = GATE_SECURES_SERVER;
		}
	} else if (ours) {
		gate_withhold(g);
		if (ev->last)
			gate_close_with(g, failure(g, "the mail server refuses "
			    "it"), "tls");
	}
	if (g->withholds)
		g->why = "tls";
	return g->withholds;
}

bool
tls_hides(const struct gate *g, struct span keyword)
{
	if (!tls_ends_here(g))
		return false;
	if (span_is(keyword, "STARTTLS"))
		return g->security == GATE_SECURED || !asks_server(g);
	return span_is(keyword, "REQUIRETLS") ||
	    span_is(keyword, "X-ANONYMOUSTLS");
}

void
tls_hide(struct gate *g, struct span keyword)
{
	g->withholds = true;
	g->why = "tls";
	if (g->base->tls != POLICY_TLS_STRIP || !span_is(keyword, "STARTTLS") ||
	    g->told_edits & 1u << GATE_TOLD_STRIP)
		return;
	g->told_edits |= 1u << GATE_TOLD_STRIP;
	tell_stripped(g, POLICY_STRIP);
}

bool
tls_offers(const struct gate *g)
{
	return g->base->tls == POLICY_TLS_TERMINATE &&
	    g->security != GATE_SECURED;
}

/* Both sides, or all that are to be, are in TLS: EHLO is awaited (RFC 3207 4.2);
 * or, where only the server's is, said again by us. */
static void
start_over(struct gate *g, struct smtp_session *s)
{
	smtp_tls_started(s);
	g->security = GATE_SECURED;
	g->tls = g->client_in_tls = g->too_long = false;
	g->rcpts = 0;
	g->octets = 0;
	if (g->base->tls == POLICY_TLS_ORIGINATE)
		ask(g, s, (struct span){ g->helo.p, g->helo.n },
		    span_starts((struct span){ g->helo.p, g->helo.n }, "LHLO") ?
		    SMTP_LHLO : SMTP_EHLO);
}

void
gate_secured(struct gate *g, struct smtp_session *s, enum smtp_side side,
    const char *why)
{
	gate_begin(g, (struct span){ "", 0 });
	if (why) {
		if (side == SMTP_SERVER)
			gate_close_with(g, failure(g, why), "tls");
		else
			g->end = GATE_CLOSES;
		return;
	}
	if (side == SMTP_CLIENT || g->base->tls == POLICY_TLS_ORIGINATE) {
		start_over(g, s);
		return;
	}
	g->security = GATE_SECURING_CLIENT;
	gate_queue(g, 0, SPAN(READY), false, "tls");
	g->own[(g->first_own + g->n_own - 1) % GATE_OWN_MAX].secures = true;
}
