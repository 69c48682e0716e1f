/* gate_content: what becomes of mail content (gate.h). */
#include "inspect/gating.h"

/* Replies that are awaited besides that to the chunk under way. */
static unsigned
others_awaited(const struct smtp_session *s, const struct smtp_event *ev)
{
	unsigned n = smtp_awaited(s);

	return gate_is_chunk(ev) && n ? n - 1 : n;
}

static void
leave(struct gate *g)
{
	g->left = true;
	g->end = GATE_LEAVES;
	g->why = g->refusal_rule;
}

/* Content from here on goes to nobody; its end is answered by us. The server is
 * left when it owes no other reply: the client would take ours for that one. */
static void
refuse(struct gate *g, const struct smtp_session *s,
    const struct smtp_event *ev, struct span reply, const char *rule)
{
	g->refusing = true;
	g->refusal = reply;
	g->refusal_rule = rule;
	g->why = rule;
	if (others_awaited(s, ev) == 0)
		leave(g);
}

void
gate_leave_late(struct gate *g, const struct smtp_session *s)
{
	if (g->refusing && !g->left && smtp_awaited(s) <= 1)
		leave(g);
}

/* All of it has come: the refusal takes its place, and ends the session. */
static void
refused(struct gate *g, const struct smtp_session *s,
    const struct smtp_event *ev)
{
	if (g->left)
		gate_close_with(g, g->refusal, g->refusal_rule);
	else
		gate_queue(g, others_awaited(s, ev), g->refusal, true,
		    g->refusal_rule);
}

/* Content begins anew with each message; BDAT goes on where it was. */
void
gate_begin_content(struct gate *g, bool stuffed)
{
	memset(g->fired, 0, sizeof g->fired);
	g->newline_next_at = NEWLINE_AT_START;
	if (g->mime)
		mime_start(g->mime, stuffed);
}

/* Octets of a chunk or of a message that go to nobody. At their end the client
 * is told. */
static void
drain(struct gate *g, const struct smtp_event *ev)
{
	gate_withhold(g);
	g->drained += ev->raw.n;
	if (g->drained > GATE_DRAIN_MAX && !g->closing && g->refusal.n)
		gate_close_with(g, g->refusal, g->refusal_rule);
}

static void
swallow(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	drain(g, ev);
	if (!ev->last)
		return;
	g->swallowing = false;
	if (!g->closing && g->refusal.n)
		gate_queue(g, smtp_awaited(s), g->refusal, false,
		    g->refusal_rule);
	g->refusal.n = 0;
}

static void
act_on_content(struct gate *g, const struct smtp_session *s,
    const struct smtp_event *ev, const struct policy_rule *r)
{
	if (r->action == POLICY_RESET || r->action == POLICY_DROP) {
		gate_finish(g, r);
		return;
	}
	gate_withhold(g);
	refuse(g, s, ev, r->reply, r->name);
}

/* What the rules on content say about this piece, or about all of it. */
static const struct policy_rule *
judge_content(struct gate *g, const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *first = NULL;
	bool end = ev->tile == SMTP_END_OF_DATA;
	bool ends = end || (ev->verb == SMTP_BDAT_LAST && ev->last);
	struct span in = end ? (struct span){ "", 0 } : ev->raw;
	struct mime_find find;

	if (g->mime && g->now->reads_content) {
		while (mime_read(g->mime, &in, &find) ||
		    (ends && mime_end(g->mime, &find))) {
			if (first == NULL)
				first = judge_find(g, &find);
		}
	}
	if (first == NULL && g->mime && g->now->reads_content)
		first = judge_measures(g);
	return first ? first : judge_event(g, ev, now_us);
}

/* The line ends of DATA, as the policy wants them. */
static void
edit_newlines(struct gate *g, const struct smtp_session *s,
    const struct smtp_event *ev)
{
	const uint64_t odd = SMTP_ODD(BARE_CR) | SMTP_ODD(BARE_LF) |
	    SMTP_ODD(NUL) | SMTP_ODD(EOD_CANDIDATE);
	/* the engine tells of a CR with the octet behind it */
	bool ends_in_cr = ev->raw.p[ev->raw.n - 1] == '\r';
	size_t first;

	if (ev->verb != SMTP_DATA || g->now->newline == POLICY_NEWLINE_PASS ||
	    (!(ev->anomalies & odd) && !ends_in_cr))
		return;
	gate_tell_edit(g, GATE_TOLD_NEWLINE, "bare-newline",
	    gate_number(g, g->tx.octets - ev->raw.n));
	if (gate_is_dry(g))
		return;
	g->why = "bare-newline";
	if (g->now->newline == POLICY_NEWLINE_NORMALIZE) {
		g->form = GATE_CONTENT;
		return;
	}
	first = newline_first(ev->raw);
	if (first == ev->raw.n)
		return;
	refuse(g, s, ev, g->now->newline_reply, "bare-newline");
	(void)gate_edit(g, span_from(ev->raw, first), (struct span){ "", 0 });
}

void
gate_content(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *r;

	g->tx.octets += ev->raw.n;
	g->newline_at = g->newline_next_at;
	g->newline_next_at = newline_behind(ev->raw, g->newline_at);
	if (g->swallowing) {
		swallow(g, s, ev);
		return;
	}
	if (g->refusing || g->closing) {
		drain(g, ev);
	} else {
		edit_newlines(g, s, ev);
		r = judge_content(g, ev, now_us);
		if (r && !g->refusing && !gate_is_dry(g))
			act_on_content(g, s, ev, r);
	}
	if (g->refusing && ev->last && !g->closing)
		refused(g, s, ev);
}

void
gate_end_of_data(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *r;

	if (!g->refusing && !g->closing) {
		r = judge_content(g, ev, now_us);
		if (r && !gate_is_dry(g))
			act_on_content(g, s, ev, r);
	}
	if (g->refusing || g->closing) {
		gate_withhold(g);
		smtp_withdraw(s, ev);
	}
	if (g->refusing && !g->closing)
		refused(g, s, ev);
	g->tx.rcpts = 0;
	g->tx.octets = 0;
}
