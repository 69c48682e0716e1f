/* gate_tx: where one transaction ends and the next begins (gate.h).
 *
 * What begins a new one counts as if the server agreed, as the client may go on
 * before it has. If it does not, the old one goes on, with all that was counted
 * for either: a MAIL within a transaction is no way around a count. */
#include "inspect/gating.h"

bool
gate_is_chunk(const struct smtp_event *ev)
{
	return ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST;
}

static bool
begins_tx(enum smtp_verb verb)
{
	return verb == SMTP_MAIL || verb == SMTP_EHLO || verb == SMTP_HELO ||
	    verb == SMTP_LHLO || verb == SMTP_RSET;
}

/* The whens that this makes true or not any more (policy.h). */
static void
note_whens(struct gate *g, const struct smtp_event *ev)
{
	const struct policy *p = g->base;
	struct gate_tx *tx = &g->tx;
	struct span path = smtp_path(ev->text);

	for (size_t i = 0; i < p->n_whens; i++) {
		const struct policy_when *w = &p->whens[i];
		uint64_t bit = UINT64_C(1) << i;

		if (ev->verb == SMTP_RCPT) {
			if (w->recipient && p->match(w->recipient, path))
				tx->whens_recipient |= bit;
			continue;
		}
		tx->whens_recipient &= ~bit;
		tx->whens_sender &= ~bit;
		if (ev->verb == SMTP_MAIL && w->sender &&
		    p->match(w->sender, path))
			tx->whens_sender |= bit;
		if (ev->verb == SMTP_MAIL || ev->verb == SMTP_RSET)
			continue;
		tx->whens_helo &= ~bit;
		if (judge_helo(w->helo, ev->text))
			tx->whens_helo |= bit;
	}
}

static bool
when_holds(const struct gate *g, const struct policy_when *w, uint64_t bit)
{
	const struct gate_tx *tx = &g->tx;
	bool client = w->n_clients == 0;

	for (size_t i = 0; i < w->n_clients && !client; i++)
		client = policy_in_network(&w->clients[i], g->client);
	return client && (w->helo.n == 0 || tx->whens_helo & bit) &&
	    (w->sender == NULL || tx->whens_sender & bit) &&
	    (w->recipient == NULL || tx->whens_recipient & bit);
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

/* The policy may be another. */
static void
choose(struct gate *g, struct smtp_session *s)
{
	if (g->base->n_whens)
		gate_choose_policy(g);
	smtp_strict(s, g->now->newline != POLICY_NEWLINE_PASS &&
	    !g->now->dry_run);
}

void
gate_tx_command(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev)
{
	bool begins = begins_tx(ev->verb);

	if (begins)
		g->tx = (struct gate_tx){ .whens_helo = g->tx.whens_helo };
	if (ev->verb == SMTP_RCPT)
		g->tx.rcpts++;
	if (begins || ev->verb == SMTP_RCPT)
		note_whens(g, ev);
	choose(g, s);
}

/* Both are one transaction. */
static void
merge(struct gate_tx *tx, const struct gate_tx *old)
{
	tx->whens_helo = old->whens_helo;
	tx->whens_sender = old->whens_sender;
	tx->whens_recipient |= old->whens_recipient;
	tx->rcpts += old->rcpts;
	tx->octets += old->octets;
	tx->in_chunks |= old->in_chunks;
	tx->gap = tx->gap ? tx->gap : old->gap;
}

static bool
has_chunks(const struct gate_tx *tx)
{
	return tx->in_chunks || tx->gap;
}

void
gate_tx_passed(struct gate *g, const struct smtp_event *ev,
    const struct gate_tx *was)
{
	if (begins_tx(ev->verb)) {
		if (g->undecided++ == 0)
			g->before = *was;
		else
			merge(&g->before, was);
	}
	if (!gate_is_chunk(ev))
		return;
	if (!g->tx.in_chunks)
		gate_begin_content(g, false);
	g->tx.in_chunks = ev->verb == SMTP_BDAT;
}

void
gate_tx_refused(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, const struct gate_tx *was)
{
	if (gate_is_chunk(ev))
		g->tx.gap = g->tx.gap ? g->tx.gap : g->why;
	if (!begins_tx(ev->verb))
		return;
	g->tx = *was;
	choose(g, s);
}

void
gate_tx_reply(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev)
{
	if (ev->fact == SMTP_FACT_DATA_BEGINS && ev->verb == SMTP_DATA)
		gate_begin_content(g, true);
	if (!ev->answered || !begins_tx(ev->verb) || g->undecided == 0 ||
	    --g->undecided)
		return;
	if (ev->code / 100 != 2) {
		merge(&g->tx, &g->before);
		choose(g, s);
	}
	g->client_first = has_chunks(&g->before) &&
	    gate_holds(g, SMTP_CLIENT);
	g->before = (struct gate_tx){ 0 };
}

bool
gate_tx_waits(const struct gate *g, struct span in)
{
	return g->undecided && has_chunks(&g->before) &&
	    span_is(smtp_verb_word(in), "BDAT");
}
