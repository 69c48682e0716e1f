/* gate_command: what becomes of what the client says (gate.h). */
#include "inspect/gating.h"

void
gate_withhold_unit(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev)
{
	gate_withhold(g);
	smtp_withdraw(s, ev);
	g->swallowing = gate_is_chunk(ev) && !ev->last;
	g->skipping = (ev->anomalies & SMTP_ODD(COMMAND_OVERLONG)) != 0;
}

static void
refuse_command(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, const struct policy_rule *r)
{
	bool closes = r->action == POLICY_DROP ||
	    (r->strike && ++g->strikes >= GATE_STRIKES);

	gate_withhold_unit(g, s, ev);
	if (g->swallowing && !closes) {
		g->refusal = r->reply;
		g->refusal_rule = r->name;
	} else
		gate_queue(g, smtp_awaited(s), r->reply, closes, r->name);
}

/* X in the place of every octet but the line end; what is very long is cut. */
static void
mask_command(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev)
{
	struct span text = span_chomp(ev->raw);
	size_t n = text.n < GATE_MADE_MAX / 2 ? text.n : GATE_MADE_MAX / 2;
	struct span made = { g->made + g->n_made, n };

	memset(g->made + g->n_made, 'X', n);
	g->n_made += n;
	smtp_disguise(s, ev);
	(void)gate_edit(g, text, made);
	g->swallowing = gate_is_chunk(ev) && !ev->last;
	g->refusal.n = 0;
}

static void
act_on_command(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, const struct policy_rule *r)
{
	g->why = r->name;
	if (r->action == POLICY_RESET)
		gate_finish(g, r);
	else if (r->action == POLICY_MASK)
		mask_command(g, s, ev);
	else if (r->action == POLICY_STRIP)
		gate_withhold_unit(g, s, ev);
	else
		refuse_command(g, s, ev, r);
}

void
gate_command(struct gate *g, struct smtp_session *s, const struct smtp_event *ev,
    int64_t now_us)
{
	const struct policy_rule *r;
	struct policy_rule gap;
	struct gate_tx was = g->tx;

	if (g->closing) {
		gate_withhold_unit(g, s, ev);
		return;
	}
	gate_tx_command(g, s, ev);
	r = judge_event(g, ev, now_us);
	if (r == NULL && g->tx.gap && gate_is_chunk(ev)) {
		gap = (struct policy_rule){ .name = g->tx.gap,
		    .action = POLICY_REJECT, .reply =
		    SPAN("503 5.5.1 A chunk was refused, RSET first\r\n") };
		r = &gap;
	}
	if (r && !gate_is_dry(g)) {
		act_on_command(g, s, ev, r);
		gate_tx_refused(g, s, ev, &was);
	} else if (tls_command(g, s, ev))
		gate_tx_refused(g, s, ev, &was);
	else
		gate_tx_passed(g, ev, &was);
}

/* The server awaits a line of the exchange: it cannot just be left out. */
void
gate_credential(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *r;

	if (g->closing) {
		gate_withhold_unit(g, s, ev);
		return;
	}
	r = judge_event(g, ev, now_us);
	if (r == NULL || gate_is_dry(g))
		return;
	gate_withhold_unit(g, s, ev);
	gate_finish(g, r);
}
