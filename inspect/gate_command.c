/* gate_command: what becomes of what the client says (gate.h). */
#include "inspect/gating.h"

void
gate_withhold_unit(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev)
{
	bool chunk = ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST;

	gate_withhold(g);
	smtp_withdraw(s, ev);
	g->swallowing = chunk && !ev->last;
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
	g->swallowing = (ev->verb == SMTP_BDAT ||
	    ev->verb == SMTP_BDAT_LAST) && !ev->last;
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

/* The whens that this makes true or not any more (policy.h). */
static void
note_whens(struct gate *g, const struct smtp_event *ev)
{
	const struct policy *p = g->base;
	struct span path = smtp_path(ev->text);

	for (size_t i = 0; i < p->n_whens; i++) {
		const struct policy_when *w = &p->whens[i];
		uint64_t bit = UINT64_C(1) << i;

		if (ev->verb == SMTP_RCPT) {
			if (w->recipient && p->match(w->recipient, path))
				g->whens_recipient |= bit;
			continue;
		}
		g->whens_recipient &= ~bit;
		g->whens_sender &= ~bit;
		if (ev->verb == SMTP_MAIL && w->sender &&
		    p->match(w->sender, path))
			g->whens_sender |= bit;
		if (ev->verb == SMTP_MAIL || ev->verb == SMTP_RSET)
			continue;
		g->whens_helo &= ~bit;
		if (judge_helo(w->helo, ev->text))
			g->whens_helo |= bit;
	}
}

static bool
when_holds(const struct gate *g, const struct policy_when *w, uint64_t bit)
{
	bool client = w->n_clients == 0;

	for (size_t i = 0; i < w->n_clients && !client; i++)
		client = policy_in_network(&w->clients[i], g->client);
	return client && (w->helo.n == 0 || g->whens_helo & bit) &&
	    (w->sender == NULL || g->whens_sender & bit) &&
	    (w->recipient == NULL || g->whens_recipient & bit);
}

void
gate_choose_policy(struct gate *g)
{
	g->now = g->base;
	for (size_t i = 0; i < g->base->n_whens; i++)
		if (when_holds(g, &g->base->whens[i], UINT64_C(1) << i)) {
			g->now = g->base->whens[i].then;
			return;
		}
}

/* What a command says about the transaction, true or not. */
static void
note_command(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev)
{
	bool tells = true;

	switch (ev->verb) {
	case SMTP_MAIL:
	case SMTP_EHLO:
	case SMTP_HELO:
	case SMTP_LHLO:
	case SMTP_RSET:
		g->rcpts = 0;
		g->octets = 0;
		break;
	case SMTP_RCPT:
		g->rcpts++;
		break;
	default:
		tells = false;
	}
	if (tells && g->base->n_whens) {
		note_whens(g, ev);
		gate_choose_policy(g);
	}
	smtp_strict(s, g->now->newline != POLICY_NEWLINE_PASS &&
	    !g->now->dry_run);
}

void
gate_command(struct gate *g, struct smtp_session *s, const struct smtp_event *ev,
    int64_t now_us)
{
	const struct policy_rule *r;

	note_command(g, s, ev);
	if (ev->verb == SMTP_DATA || ev->verb == SMTP_MAIL)
		gate_begin_content(g, ev->verb == SMTP_DATA);
	if (g->closing) {
		gate_withhold_unit(g, s, ev);
		return;
	}
	r = judge_event(g, ev, now_us);
	if (r && !gate_is_dry(g))
		act_on_command(g, s, ev, r);
	else
		(void)tls_command(g, s, ev);
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
