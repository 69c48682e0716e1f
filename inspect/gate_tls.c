/* gate_tls: STARTTLS where TLS ends here, on one side or on both (RFC 3207).
 *
 * Who says what in which order; the handshakes are the caller's. From the
 * command that starts TLS until both sides are through, nothing else is read. */
#include "inspect/gating.h"

#define READY		"220 2.0.0 Ready to start TLS\r\n"
#define AGAIN		"503 5.5.1 TLS is on already\r\n"
#define HIDDEN		"502 5.5.1 Command not implemented\r\n"
#define ARGUMENT	"501 5.5.4 STARTTLS stands alone\r\n"
#define TOO_LATE	"503 5.5.1 STARTTLS comes before AUTH\r\n"
#define TOO_LONG	"501 5.5.4 name too long\r\n"
#define FIRST		"530 5.7.0 Must issue a STARTTLS command first\r\n"
#define NEEDS_EHLO	"451 4.7.0 TLS with the mail server needs EHLO\r\n"
#define DECLINED	"454 4.7.0 TLS not available\r\n"
#define ANEW		"503 5.5.1 EHLO first\r\n"
#define FAILED		" 4.7.0 TLS not available: "
#define REASON_MAX	200	/* octets */

bool
tls_ends_here(const struct gate *g)
{
	return g->base->tls != POLICY_TLS_PASS;
}

static bool
is(const struct gate *g, enum policy_tls tls)
{
	return g->base->tls == tls;
}

static bool
asks_server(const struct gate *g)
{
	return is(g, POLICY_TLS_BRIDGE) || is(g, POLICY_TLS_REQUIRE);
}

bool
tls_ready(struct gate *g, const struct smtp_session *s, enum smtp_side side,
    struct span in, bool ended)
{
	if (g->security == GATE_SECURING_SERVER ||
	    g->security == GATE_SECURING_CLIENT)
		return side == SMTP_SERVER && g->n_own;
	if (g->security == GATE_ASKING || g->security == GATE_REJOINING)
		return side == SMTP_SERVER;
	if (!g->awaits_offer)
		return true;
	if (side == SMTP_CLIENT)
		return false;	/* it may turn out to be said in the clear */
	if (!g->offer_known && keywords_asked(smtp_answering(s)))
		g->offer_known = keywords_find(in, "STARTTLS", &g->offered) ||
		    in.n >= SMTP_LINE_MAX || ended;
	return g->offer_known || !keywords_asked(smtp_answering(s));
}

/* Before TLS a client may say these only (RFC 3207 4), and before EHLO, too. */
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
		return true;
	default:
		return false;
	}
}

/* Ours is the reply to it; behind a chunk, when its octets have come. */
static bool
answer(struct gate *g, struct smtp_session *s, const struct smtp_event *ev,
    struct span reply)
{
	gate_withhold_unit(g, s, ev);
	g->why = "tls";
	if (g->swallowing) {
		g->refusal = reply;
		g->refusal_rule = "tls";
	} else
		gate_queue(g, smtp_awaited(s), reply, false, "tls");
	return true;
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

/* The reply queued last is the one behind which TLS begins. */
static void
secure_client(struct gate *g)
{
	g->own[(g->first_own + g->n_own - 1) % GATE_OWN_MAX].secures = true;
	g->security = GATE_SECURING_CLIENT;
}

/* A server that is not told of the TLS would keep what was agreed before it. */
static bool
terminate(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	if (ev->text.n)
		return answer(g, s, ev, SPAN(ARGUMENT));
	if (g->authenticated)
		return answer(g, s, ev, SPAN(TOO_LATE));
	(void)answer(g, s, ev, SPAN(READY));
	secure_client(g);
	return true;
}

static bool
starttls(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	if (is(g, POLICY_TLS_STRIP))
		tell_stripped(g, POLICY_REJECT);
	if (ev->verb == SMTP_XANONTLS || is(g, POLICY_TLS_ORIGINATE) ||
	    is(g, POLICY_TLS_STRIP))
		return answer(g, s, ev, SPAN(HIDDEN));
	if (g->security == GATE_SECURED)
		return answer(g, s, ev, SPAN(AGAIN));
	if (g->security == GATE_DECLINED)
		return answer(g, s, ev, SPAN(DECLINED));
	return is(g, POLICY_TLS_TERMINATE) && terminate(g, s, ev);
}

/* What the client says it is will be said again in TLS. */
static bool
greet(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	if (g->security == GATE_CLEAR || g->security == GATE_DECLINED)
		gate_keep_name(&g->helo, span_chomp(ev->raw));
	if (!is(g, POLICY_TLS_ORIGINATE) || g->security != GATE_CLEAR)
		return false;
	if (g->helo.n == 0)
		return answer(g, s, ev, SPAN(TOO_LONG));
	g->awaits_offer = true;
	g->offer_known = g->offered = false;
	return false;
}

bool
tls_command(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	bool secured = g->security == GATE_SECURED;

	if (!tls_ends_here(g))
		return false;
	if (ev->verb == SMTP_STARTTLS || ev->verb == SMTP_XANONTLS)
		return starttls(g, s, ev);
	if (keywords_asked(ev->verb) || ev->verb == SMTP_HELO)
		g->anew = false;
	if (keywords_asked(ev->verb))
		return greet(g, s, ev);
	if (is_free(ev->verb))
		return false;
	if (g->anew)
		return answer(g, s, ev, SPAN(ANEW));
	if (is(g, POLICY_TLS_REQUIRE) && !secured)
		return answer(g, s, ev, SPAN(FIRST));
	if (is(g, POLICY_TLS_ORIGINATE) && !secured && !g->base->tls_optional)
		return answer(g, s, ev, SPAN(NEEDS_EHLO));
	return false;
}

/* Words of a peer are in it: no more than text, and not too much. */
static struct span
text_of(struct gate *g, struct span reason)
{
	char text[REASON_MAX];
	size_t n = reason.n < sizeof text ? reason.n : sizeof text;

	for (size_t i = 0; i < n; i++)
		text[i] = reason.p[i] < ' ' || reason.p[i] > '~' ? '?' :
		    reason.p[i];
	return gate_make(g, text, n);
}

/* "454 4.7.0 TLS not available: REASON". */
static struct span
failure(struct gate *g, const char *code, struct span why)
{
	struct span reply = gate_make(g, code, 3);

	reply.n += gate_make(g, FAILED, sizeof FAILED - 1).n;
	reply.n += text_of(g, why).n;
	reply.n += gate_make(g, "\r\n", 2).n;
	return reply;
}

/* The session ends with it. EHLO has no reply 454, there it is 421. */
static void
fail(struct gate *g, const char *why)
{
	const char *code = asks_server(g) ? "454" : "421";

	gate_withhold(g);
	gate_close_with(g, failure(g, code, span_of(why)), "tls");
}

static void
ask(struct gate *g, struct smtp_session *s, struct span command,
    enum smtp_verb verb)
{
	g->asks = gate_make(g, command.p, command.n);
	g->asks.n += gate_make(g, "\r\n", 2).n;
	smtp_inject(s, verb);
}

/* What the client has been kept waiting for: the reply to this. */
static void
ask_again(struct gate *g, struct smtp_session *s)
{
	struct span hello = { g->helo.p, g->helo.n };

	ask(g, s, hello, span_starts(hello, "LHLO") ? SMTP_LHLO : SMTP_EHLO);
}

/* The connection that failed to turn to TLS is of no use any more. Another one
 * goes on in the clear, where that has been allowed. */
static void
rejoin(struct gate *g, struct smtp_session *s, const char *why)
{
	gate_keep_name(&g->failed, span_of(why));
	smtp_tls_started(s);
	smtp_inject(s, SMTP_CONNECT);
	g->security = GATE_REJOINING;
	g->end = GATE_REJOINS;
	g->why = "tls";
	g->tls = false;
}

/* The new server greets us, and answers the EHLO we say for the client: who has
 * asked for TLS gets 454 now; who has said EHLO, that reply. */
static void
rejoined(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	struct span why = { g->failed.p, g->failed.n };

	gate_withhold(g);
	if (ev->code / 100 != 2) {
		fail(g, "the mail server does not want the session either");
	} else if (ev->last && ev->verb == SMTP_CONNECT) {
		if (!asks_server(g))
			g->security = GATE_DECLINED;
		ask_again(g, s);
	} else if (ev->last) {
		g->security = GATE_DECLINED;
		gate_queue(g, 0, failure(g, "454", why), false, "tls");
	}
}

/* The reply to the client's EHLO is kept back until it can be given in TLS. */
static void
originate(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	if (ev->last)
		g->awaits_offer = false;
	if (ev->code / 100 != 2 || (!g->offered && g->base->tls_optional))
		return;
	if (!g->offered) {
		fail(g, "the mail server does not offer it");
		return;
	}
	gate_withhold(g);
	if (!ev->last)
		return;
	g->security = GATE_ASKING;
	ask(g, s, SPAN("STARTTLS"), SMTP_STARTTLS);
}

/* The reply to our own STARTTLS. */
static void
asked(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	gate_withhold(g);
	if (!ev->last)
		return;
	if (ev->code / 100 == 2) {
		g->security = GATE_SECURING_SERVER;
		g->end = GATE_SECURES_SERVER;
	} else if (g->base->tls_optional && ev->code != 421) {
		g->security = GATE_DECLINED;
		ask_again(g, s);
	} else
		fail(g, "the mail server refuses it");
}

/* The reply to the client's STARTTLS: what is no 220 is the client's to read. */
static void
bridge(struct gate *g, const struct smtp_event *ev)
{
	if (ev->code / 100 != 2)
		return;
	gate_withhold(g);
	if (ev->anomalies & SMTP_ODD(REPLY_MIXED)) {
		fail(g, "the mail server's reply is not clear");
	} else if (ev->last) {
		g->security = GATE_SECURING_SERVER;
		g->end = GATE_SECURES_SERVER;
	}
}

void
tls_reply(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	if (g->security == GATE_ASKING)
		asked(g, s, ev);
	else if (g->security == GATE_REJOINING)
		rejoined(g, s, ev);
	else if (g->security != GATE_CLEAR || ev->code == 0)
		return;
	else if (g->awaits_offer && keywords_asked(ev->verb))
		originate(g, s, ev);
	else if (asks_server(g) && ev->verb == SMTP_STARTTLS)
		bridge(g, ev);
	else if (ev->fact == SMTP_FACT_AUTHENTICATED)
		g->authenticated = true;
	if (g->withholds)
		g->why = "tls";
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
	if (!is(g, POLICY_TLS_STRIP) || !span_is(keyword, "STARTTLS") ||
	    g->told_edits & 1u << GATE_TOLD_STRIP)
		return;
	g->told_edits |= 1u << GATE_TOLD_STRIP;
	tell_stripped(g, POLICY_STRIP);
}

bool
tls_offers(const struct gate *g)
{
	return is(g, POLICY_TLS_TERMINATE) && g->security != GATE_SECURED;
}

/* All sides that are to be are in TLS. Nothing said before counts (RFC 3207 4.2):
 * EHLO is awaited; or, where only the server's side is, said again by us. */
static void
start_over(struct gate *g, struct smtp_session *s)
{
	smtp_tls_started(s);
	g->security = GATE_SECURED;
	g->tls = g->client_in_tls = g->too_long = false;
	g->undecided = 0;
	if (is(g, POLICY_TLS_ORIGINATE)) {
		ask_again(g, s);
		return;
	}
	g->anew = is(g, POLICY_TLS_TERMINATE);
	g->tx = (struct gate_tx){ 0 };
	gate_choose_policy(g);
}

void
gate_secured(struct gate *g, struct smtp_session *s, enum smtp_side side,
    const char *why)
{
	gate_begin(g, (struct span){ "", 0 });
	if (why && side == SMTP_SERVER && g->base->tls_optional &&
	    !is(g, POLICY_TLS_REQUIRE) && g->helo.n) {
		rejoin(g, s, why);
	} else if (why && side == SMTP_SERVER) {
		fail(g, why);
	} else if (why) {
		g->end = GATE_CLOSES;
		g->why = "tls";
	} else if (side == SMTP_CLIENT || is(g, POLICY_TLS_ORIGINATE)) {
		start_over(g, s);
	} else {
		gate_queue(g, 0, SPAN(READY), false, "tls");
		secure_client(g);
	}
}
