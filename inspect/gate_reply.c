/* gate_reply: what becomes of what the server says (gate.h). */
#include "inspect/engine.h"
#include "inspect/gating.h"
#include "inspect/scrub.h"

static struct span
name_of(const struct gate_name *name)
{
	return (struct span){ name->p, name->n };
}

static void
scrub_reply(struct gate *g, const struct smtp_event *ev)
{
	const struct policy *p = g->now;
	struct scrub s = { .names = g->names,
	    .n_names = sizeof g->names / sizeof *g->names,
	    .host = p->host, .our_text = name_of(&g->our_text),
	    .client_text = name_of(&g->client_text),
	    .hosts = p->scrub_hosts, .text = p->scrub_text,
	    .queue_ids = p->scrub_queue_ids };
	struct gate_edit edits[GATE_EDITS_MAX];
	unsigned n;

	if (!s.hosts && !s.text && !s.queue_ids)
		return;
	n = scrub_line(&s, ev, edits, GATE_EDITS_MAX - g->n_edits, g->made,
	    &g->n_made);
	if (n)
		gate_tell_edit(g, GATE_TOLD_SCRUB, "scrub", ev->text);
	for (unsigned i = 0; i < n; i++)
		(void)gate_edit(g, edits[i].out, edits[i].in);
}

/* The first words of a server; XCLIENT makes it begin again. */
static bool
greets(const struct smtp_event *ev)
{
	return ev->verb == SMTP_CONNECT ||
	    (ev->verb == SMTP_XCLIENT && ev->code == 220);
}

/* The server's own name, where it says it. */
static void
learn_name(struct gate *g, const struct smtp_event *ev)
{
	bool answers = keywords_asked(ev->verb) || ev->verb == SMTP_HELO;
	struct span host;

	if (!ev->first || (!greets(ev) && !(answers && ev->code / 100 == 2)))
		return;
	host = scrub_host(ev->text);
	if (host.n)
		gate_keep_name(&g->names[greets(ev) ? 1 : 2], host);
}

static bool
lists_keywords(const struct smtp_event *ev)
{
	return keywords_asked(ev->verb) && ev->code / 100 == 2;
}

static void
edit_reply(struct gate *g, const struct smtp_event *ev)
{
	/* Of a line too long to hold the rest is out of reach. */
	if (ev->code == 0 || ev->anomalies & SMTP_ODD(REPLY_OVERLONG))
		return;
	learn_name(g, ev);
	if (greets(ev) && ev->code == 220 &&
	    g->now->banner != POLICY_BANNER_KEEP) {
		greeting_edit(g, ev);
		return;
	}
	if (lists_keywords(ev) && g->too_long &&
	    !(g->told_edits & 1u << GATE_TOLD_TOO_LONG)) {
		g->told_edits |= 1u << GATE_TOLD_TOO_LONG;
		gate_tell(g, "ehlo-too-long", POLICY_TELL, SPAN(""));
	}
	if (lists_keywords(ev) && !g->too_long)
		keywords_edit(g, ev);
	if (!lists_keywords(ev) || ev->first)
		scrub_reply(g, ev);
	if (lists_keywords(ev) && !g->too_long)
		keywords_add(g, ev);
}

static void
note_reply(struct gate *g, const struct smtp_event *ev)
{
	if (ev->code == 0)
		return;
	g->reply_lines = ev->first ? 1 : g->reply_lines + 1;
	if (ev->first) {
		g->masked = 0;
		g->added = 0;
	}
	if (ev->verb == SMTP_RCPT && ev->last && ev->code / 100 == 5)
		g->refused_rcpts++;
	if (ev->fact == SMTP_FACT_TLS_BEGINS)
		g->tls = true;
}

/* One reply less stands before ours. */
static void
advance(struct gate *g)
{
	for (unsigned i = 0; i < g->n_own; i++) {
		struct gate_own *o =
		    &g->own[(g->first_own + i) % GATE_OWN_MAX];

		if (o->behind)
			o->behind--;
	}
}

void
gate_reply(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *r;

	note_reply(g, ev);
	gate_tx_reply(g, s, ev);
	if (ev->answered && ev->verb != SMTP_NONE)
		advance(g);
	if (g->over || g->left) {
		gate_withhold(g);
		return;
	}
	gate_leave_late(g, s);
	r = judge_event(g, ev, now_us);
	if (r && !gate_is_dry(g))
		gate_finish(g, r);
	else if (tls_ends_here(g))
		tls_reply(g, s, ev);
	/* The one refusal too many is still the client's to read. */
	if (r && r->subject == POLICY_INVALID_RECIPIENTS)
		g->withholds = false;
	if (!g->withholds)
		edit_reply(g, ev);
	if (ev->last)
		g->too_long = false;
}

/* A command that the end of the stream has cut off: some servers take it for one
 * all the same (Sendmail's sfgets). No reply of ours is due. */
static void
judge_tail(struct gate *g, const struct smtp_event *ev, int64_t now_us)
{
	struct smtp_event command = *ev;
	const struct policy_rule *r;

	command.tile = SMTP_COMMAND;
	command.text = span_trim(ev->raw);
	command.verb = engine_lookup(&command.text);
	r = judge_event(g, &command, now_us);
	if (r == NULL || gate_is_dry(g))
		return;
	gate_withhold(g);
	g->why = r->name;
}

/* In TLS the client speaks first: what a server says before is no TLS. */
void
gate_opaque(struct gate *g, const struct smtp_event *ev, int64_t now_us)
{
	bool client = ev->side == SMTP_CLIENT;

	if (g->over || g->left ||
	    (client && (g->closing || g->skipping || g->refusing))) {
		gate_withhold(g);
		return;
	}
	if (client)
		g->client_in_tls |= g->tls;
	if (client && !g->tls && ev->anomalies & SMTP_ODD(CUT_SHORT))
		judge_tail(g, ev, now_us);
	if (client || !g->tls || g->client_in_tls || !g->now->guards_tls)
		return;
	gate_tell(g, "tls-injection", POLICY_DROP, (struct span){ "", 0 });
	if (gate_is_dry(g))
		return;
	gate_withhold(g);
	g->why = "tls-injection";
	g->end = GATE_CLOSES;
}
