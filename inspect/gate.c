#include "inspect/gate.h"

#include "inspect/gating.h"
#include "inspect/scrub.h"

void
gate_keep_name(struct gate_name *name, struct span s)
{
	if (s.n > GATE_NAME_MAX)
		s.n = 0;
	name->n = (unsigned char)s.n;
	if (s.n)
		memcpy(name->p, s.p, s.n);
}

bool
gate_is_dry(const struct gate *g)
{
	return g->too_late || g->now->dry_run;
}

void
gate_tell(struct gate *g, const char *rule, enum policy_action action,
    struct span detail)
{
	if (g->n_tells == GATE_TELLS_MAX)
		return;
	g->tells[g->n_tells++] = (struct gate_step){ .move = GATE_TELL,
	    .rule = rule, .action = action, .detail = detail,
	    .dry = gate_is_dry(g) && action != POLICY_TELL &&
	    action != POLICY_TAG };
}

void
gate_tell_edit(struct gate *g, enum gate_told edit, const char *rule,
    struct span detail)
{
	if (g->told_edits & 1u << edit)
		return;
	g->told_edits |= 1u << edit;
	gate_tell(g, rule, POLICY_REWRITE, detail);
}

static bool
is_same(struct span a, struct span b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

void
gate_change(struct gate *g, struct span out, struct span in)
{
	if (is_same(out, in) || g->too_late || g->n_edits == GATE_EDITS_MAX)
		return;
	g->edits[g->n_edits++] = (struct gate_edit){ out, in };
	g->form = GATE_LINE;
}

bool
gate_edit(struct gate *g, struct span out, struct span in)
{
	if (is_same(out, in))
		return false;
	if (!gate_is_dry(g))
		gate_change(g, out, in);
	return true;
}

struct span
gate_make(struct gate *g, const char *bytes, size_t n)
{
	char *p = g->made + g->n_made;

	if (n > GATE_MADE_MAX - g->n_made)
		return (struct span){ p, 0 };
	memcpy(p, bytes, n);
	g->n_made += n;
	return (struct span){ p, n };
}

struct span
gate_number(struct gate *g, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	return gate_make(g, digits + at, sizeof digits - at);
}

/* A reply of ours takes its place behind those that are awaited; without a
 * server to answer those, it is due. */
void
gate_queue(struct gate *g, unsigned behind, struct span reply, bool closes,
    const char *rule)
{
	if (g->n_own == GATE_OWN_MAX)
		g->n_own--;	/* gate_ready() has kept room but for a close */
	g->own[(g->first_own + g->n_own++) % GATE_OWN_MAX] = (struct gate_own){
	    .behind = g->left ? 0 : behind, .close = closes,
	    .reply = reply, .rule = rule };
	g->closing |= closes;
}

/* The session ends with this reply, whatever else was to be said. */
void
gate_close_with(struct gate *g, struct span reply, const char *rule)
{
	g->n_own = 0;
	gate_queue(g, 0, reply, true, rule);
}

void
gate_withhold(struct gate *g)
{
	g->withholds = true;
}

/* What the rule acts on goes to nobody, and the session ends. */
void
gate_finish(struct gate *g, const struct policy_rule *r)
{
	gate_withhold(g);
	g->why = r->name;
	if (r->action == POLICY_RESET)
		g->end = GATE_RESETS;
	else
		gate_close_with(g, r->reply, r->name);
}

void
gate_open(struct gate *g, const struct policy *p,
    const struct gate_peers *peers, struct mime *mime, struct rate_table *rates)
{
	memset(g, 0, offsetof(struct gate, own));
	g->base = g->now = p;
	g->mime = mime;
	g->rates = rates;
	memcpy(g->client, peers->client, sizeof g->client);
	gate_keep_name(&g->client_text, peers->client_text);
	gate_keep_name(&g->names[0], peers->server_host);
	gate_choose_policy(g);
	/* BDAT brings content without MAIL, if the client says so. */
	gate_begin_content(g, false);
}

void
gate_connected(struct gate *g, struct span server_text, struct span our_text)
{
	gate_keep_name(&g->names[3], server_text);
	gate_keep_name(&g->our_text, our_text);
}

bool
gate_holds(const struct gate *g, enum smtp_side side)
{
	return g->base->holds[side];
}

bool
gate_ready(struct gate *g, struct smtp_session *s, enum smtp_side side,
    struct span in, bool ended)
{
	if (tls_ends_here(g) && !tls_ready(g, s, side, in, ended))
		return false;
	if (side == SMTP_CLIENT) {
		g->client_first = false;
		if (g->closing || (g->n_own < GATE_OWN_MAX - 1 &&
		    !gate_tx_waits(g, in)))
			return true;
		smtp_server_first(s);	/* it is a reply that is waited for */
		return false;
	}
	if (g->client_first)
		return false;
	return keywords_ready(g, s, in, ended);
}

void
gate_begin(struct gate *g, struct span raw)
{
	g->form = GATE_WHOLE;
	g->end = GATE_GOES_ON;
	g->why = NULL;
	g->withholds = g->too_late = false;
	g->pending.n = g->asks.n = 0;
	g->raw = g->rest = raw;
	g->n_edits = g->edit = g->n_tells = g->tell = 0;
	g->n_made = 0;
}

void
gate_event(struct gate *g, struct smtp_session *s, const struct smtp_event *ev,
    size_t ahead, int64_t now_us)
{
	gate_begin(g, ev->raw);
	g->too_late = ahead &&
	    (ev->tile != SMTP_CONTENT || ahead >= ev->raw.n);
	if (ev->tile != SMTP_OPAQUE && ev->side == SMTP_CLIENT)
		g->skipping = false;
	switch (ev->tile) {
	case SMTP_COMMAND:
		gate_command(g, s, ev, now_us);
		break;
	case SMTP_CREDENTIAL:
		gate_credential(g, s, ev, now_us);
		break;
	case SMTP_CONTENT:
		gate_content(g, s, ev, now_us);
		break;
	case SMTP_END_OF_DATA:
		gate_end_of_data(g, s, ev, now_us);
		break;
	case SMTP_REPLY:
		gate_reply(g, s, ev, now_us);
		break;
	case SMTP_OPAQUE:
	case SMTP_TILES:
		gate_opaque(g, ev, now_us);
		break;
	}
	if (!g->withholds)
		return;
	g->form = GATE_WHOLE;
	if (ahead && ahead < ev->raw.n) {
		g->n_edits = 0;
		(void)gate_edit(g, span_from(ev->raw, ahead),
		    (struct span){ "", 0 });
	}
}

