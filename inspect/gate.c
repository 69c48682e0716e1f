#include "inspect/gate.h"

#include "inspect/gating.h"
#include "inspect/scrub.h"

static void
keep_name(struct gate_name *name, struct span s)
{
	if (s.n > GATE_NAME_MAX)
		s.n = 0;
	name->n = (unsigned char)s.n;
	if (s.n)
		memcpy(name->p, s.p, s.n);
}

static struct span
name_of(const struct gate_name *name)
{
	return (struct span){ name->p, name->n };
}

bool
gate_is_dry(const struct gate *g)
{
	return g->ahead || g->now->dry_run;
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

void
gate_edit(struct gate *g, struct span out, struct span in)
{
	if (gate_is_dry(g) || g->n_edits == GATE_EDITS_MAX)
		return;
	g->edits[g->n_edits++] = (struct gate_edit){ out, in };
	g->form = GATE_LINE;
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
static void
queue_own(struct gate *g, unsigned behind, struct span reply, bool closes,
    const char *rule)
{
	if (g->n_own == GATE_OWN_MAX)
		g->n_own--;	/* gate_ready() has kept room but for a close */
	g->own[(g->first_own + g->n_own++) % GATE_OWN_MAX] = (struct gate_own){
	    .behind = g->refusing ? 0 : behind, .close = closes,
	    .reply = reply, .rule = rule };
	g->closing |= closes;
}

/* The session ends with this reply, whatever else was to be said. */
static void
close_now(struct gate *g, struct span reply, const char *rule)
{
	g->n_own = 0;
	queue_own(g, 0, reply, true, rule);
}

static void
withhold(struct gate *g)
{
	g->withholds = true;
}

/* Nothing of a command goes to the server, and no reply to it is due. */
static void
withhold_unit(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev)
{
	bool chunk = ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST;

	withhold(g);
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

	withhold_unit(g, s, ev);
	if (g->swallowing && !closes) {
		g->refusal = r->reply;
		g->refusal_rule = r->name;
	} else
		queue_own(g, smtp_awaited(s), r->reply, closes, r->name);
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
	gate_edit(g, text, made);
	g->swallowing = (ev->verb == SMTP_BDAT ||
	    ev->verb == SMTP_BDAT_LAST) && !ev->last;
	g->refusal.n = 0;
}

/* Content from here on goes to nobody; its end is answered by us. */
static void
refuse_content(struct gate *g, struct span reply, const char *rule)
{
	g->refusing = true;
	g->refusal = reply;
	g->refusal_rule = rule;
	g->end = GATE_LEAVES;
	g->why = rule;
	for (unsigned i = 0; i < g->n_own; i++)
		g->own[(g->first_own + i) % GATE_OWN_MAX].behind = 0;
}

/* What the rule acts on goes to nobody, and the session ends. */
void
gate_finish(struct gate *g, const struct policy_rule *r)
{
	withhold(g);
	g->why = r->name;
	if (r->action == POLICY_RESET)
		g->end = GATE_RESETS;
	else
		close_now(g, r->reply, r->name);
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
		withhold_unit(g, s, ev);
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
		if (ev->verb == SMTP_MAIL) {
			if (w->sender && p->match(w->sender, path))
				g->whens_sender |= bit;
			continue;
		}
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

static void
choose_policy(struct gate *g)
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
		return;
	}
	if (g->base->n_whens && ev->verb != SMTP_RSET) {
		note_whens(g, ev);
		choose_policy(g);
	}
	smtp_strict(s, g->now->newline != POLICY_NEWLINE_PASS &&
	    !g->now->dry_run);
}

/* Content begins anew with each message; BDAT goes on where it was. */
static void
begin_content(struct gate *g, bool stuffed)
{
	memset(g->fired, 0, sizeof g->fired);
	g->starts_line = true;
	if (g->mime)
		mime_start(g->mime, stuffed);
}

static void
on_command(struct gate *g, struct smtp_session *s, const struct smtp_event *ev,
    int64_t now_us)
{
	const struct policy_rule *r;

	note_command(g, s, ev);
	if (ev->verb == SMTP_DATA || ev->verb == SMTP_MAIL)
		begin_content(g, ev->verb == SMTP_DATA);
	if (g->closing) {
		withhold_unit(g, s, ev);
		return;
	}
	r = judge_event(g, ev, now_us);
	if (r && !gate_is_dry(g))
		act_on_command(g, s, ev, r);
}

/* The server awaits a line of the exchange: it cannot just be left out. */
static void
on_credential(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *r;

	if (g->closing) {
		withhold_unit(g, s, ev);
		return;
	}
	r = judge_event(g, ev, now_us);
	if (r == NULL || gate_is_dry(g))
		return;
	withhold_unit(g, s, ev);
	gate_finish(g, r);
}

/* Octets of a chunk or of a message that go to nobody. At their end the client
 * is told. */
static void
drain(struct gate *g, const struct smtp_event *ev)
{
	withhold(g);
	g->drained += ev->raw.n;
	if (g->drained > GATE_DRAIN_MAX && !g->closing && g->refusal.n)
		close_now(g, g->refusal, g->refusal_rule);
}

static void
swallow(struct gate *g, struct smtp_session *s, const struct smtp_event *ev)
{
	drain(g, ev);
	if (!ev->last)
		return;
	g->swallowing = false;
	if (!g->closing && g->refusal.n)
		queue_own(g, smtp_awaited(s), g->refusal, false,
		    g->refusal_rule);
	g->refusal.n = 0;
}

static void
act_on_content(struct gate *g, const struct policy_rule *r)
{
	if (r->action == POLICY_RESET || r->action == POLICY_DROP) {
		gate_finish(g, r);
		return;
	}
	withhold(g);
	refuse_content(g, r->reply, r->name);
}

/* What the rules on content say about this piece, or about all of it. */
static const struct policy_rule *
judge_content(struct gate *g, const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *r = NULL, *first = NULL;
	bool ends = ev->tile == SMTP_END_OF_DATA;
	struct span in = ends ? (struct span){ "", 0 } : ev->raw;
	struct mime_find find;

	if (g->mime && g->now->reads_content) {
		while (mime_read(g->mime, &in, &find) ||
		    (ends && mime_end(g->mime, &find))) {
			r = judge_find(g, &find);
			first = first ? first : r;
		}
	}
	if (first == NULL && g->mime && g->now->reads_content)
		first = judge_measures(g);
	return first ? first : judge_event(g, ev, now_us);
}

/* The line ends of DATA, as the policy wants them. */
static void
edit_newlines(struct gate *g, const struct smtp_event *ev)
{
	const uint64_t odd = SMTP_ODD(BARE_CR) | SMTP_ODD(BARE_LF) |
	    SMTP_ODD(NUL) | SMTP_ODD(EOD_CANDIDATE);
	size_t first;

	if (ev->verb != SMTP_DATA || g->now->newline == POLICY_NEWLINE_PASS ||
	    !(ev->anomalies & odd))
		return;
	gate_tell_edit(g, GATE_TOLD_NEWLINE, "bare-newline",
	    gate_number(g, g->octets - ev->raw.n));
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
	refuse_content(g, g->now->newline_reply, "bare-newline");
	gate_edit(g, span_from(ev->raw, first), (struct span){ "", 0 });
}

static bool
ends_line(struct span s)
{
	return s.n > 1 && memcmp(s.p + s.n - 2, "\r\n", 2) == 0;
}

static void
on_content(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *r;

	g->octets += ev->raw.n;
	g->line_start = g->starts_line;
	g->starts_line = ends_line(ev->raw);
	if (g->swallowing) {
		swallow(g, s, ev);
		return;
	}
	if (g->refusing || g->closing) {
		drain(g, ev);
		if (ev->last && !g->closing)
			close_now(g, g->refusal, g->refusal_rule);
		return;
	}
	edit_newlines(g, ev);
	r = judge_content(g, ev, now_us);
	if (r && !gate_is_dry(g))
		act_on_content(g, r);
}

static void
on_end_of_data(struct gate *g, struct smtp_session *s,
    const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *r;

	if (!g->refusing && !g->closing) {
		r = judge_content(g, ev, now_us);
		if (r && !gate_is_dry(g))
			act_on_content(g, r);
	}
	if (g->refusing || g->closing) {
		withhold(g);
		smtp_withdraw(s, ev);
	}
	if (g->refusing && !g->closing)
		close_now(g, g->refusal, g->refusal_rule);
	g->rcpts = 0;
	g->octets = 0;
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
		gate_edit(g, edits[i].out, edits[i].in);
}

/* The server's own name, where it says it. */
static void
learn_name(struct gate *g, const struct smtp_event *ev)
{
	bool greets = ev->verb == SMTP_CONNECT;
	bool answers = ev->verb == SMTP_EHLO || ev->verb == SMTP_HELO ||
	    ev->verb == SMTP_LHLO;
	struct span host;

	if (!ev->first || (!greets && !(answers && ev->code / 100 == 2)))
		return;
	host = scrub_host(ev->text);
	if (host.n)
		keep_name(&g->names[greets ? 1 : 2], host);
}

static bool
lists_keywords(const struct smtp_event *ev)
{
	return (ev->verb == SMTP_EHLO || ev->verb == SMTP_LHLO) &&
	    ev->code / 100 == 2;
}

static void
edit_reply(struct gate *g, const struct smtp_event *ev)
{
	if (ev->code == 0)
		return;
	learn_name(g, ev);
	if (ev->verb == SMTP_CONNECT && ev->code == 220 &&
	    g->now->banner != POLICY_BANNER_KEEP) {
		greeting_edit(g, ev);
		return;
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
advance_own(struct gate *g)
{
	for (unsigned i = 0; i < g->n_own; i++) {
		struct gate_own *o =
		    &g->own[(g->first_own + i) % GATE_OWN_MAX];

		if (o->behind)
			o->behind--;
	}
}

static void
on_reply(struct gate *g, const struct smtp_event *ev, int64_t now_us)
{
	const struct policy_rule *r;

	note_reply(g, ev);
	if (ev->answered && ev->verb != SMTP_NONE)
		advance_own(g);
	if (g->over || g->refusing) {
		withhold(g);
		return;
	}
	r = judge_event(g, ev, now_us);
	if (r && !gate_is_dry(g))
		gate_finish(g, r);
	/* The one refusal too many is still the client's to read. */
	if (r && r->subject == POLICY_INVALID_RECIPIENTS)
		g->withholds = false;
	if (!g->withholds)
		edit_reply(g, ev);
	if (ev->last)
		g->too_long = false;
}

/* In TLS the client speaks first: what a server says before is no TLS. */
static void
on_opaque(struct gate *g, const struct smtp_event *ev)
{
	bool client = ev->side == SMTP_CLIENT;

	if (g->over || g->refusing || (client && g->closing) || (client && g->skipping)) {
		withhold(g);
		return;
	}
	if (client)
		g->client_in_tls |= g->tls;
	if (client || !g->tls || g->client_in_tls || !g->now->guards_tls)
		return;
	gate_tell(g, "tls-injection", POLICY_DROP, (struct span){ "", 0 });
	if (gate_is_dry(g))
		return;
	withhold(g);
	g->why = "tls-injection";
	g->end = GATE_CLOSES;
}

void
gate_open(struct gate *g, const struct policy *p,
    const struct gate_peers *peers, struct mime *mime, struct rate_table *rates)
{
	*g = (struct gate){ .base = p, .now = p, .mime = mime, .rates = rates };
	memcpy(g->client, peers->client, sizeof g->client);
	keep_name(&g->client_text, peers->client_text);
	keep_name(&g->names[0], peers->server_host);
	choose_policy(g);
}

void
gate_connected(struct gate *g, struct span server_text, struct span our_text)
{
	keep_name(&g->names[3], server_text);
	keep_name(&g->our_text, our_text);
}

bool
gate_holds(const struct gate *g, enum smtp_side side)
{
	return g->base->holds[side];
}

bool
gate_ready(struct gate *g, const struct smtp_session *s, enum smtp_side side,
    struct span in, bool ended)
{
	if (side == SMTP_CLIENT)
		return g->n_own < GATE_OWN_MAX - 1 || g->closing;
	return keywords_ready(g, s, in, ended);
}

void
gate_event(struct gate *g, struct smtp_session *s, const struct smtp_event *ev,
    bool ahead, int64_t now_us)
{
	g->form = GATE_WHOLE;
	g->end = GATE_GOES_ON;
	g->why = NULL;
	g->withholds = false;
	g->pending.n = 0;
	g->ahead = ahead;
	g->raw = g->rest = ev->raw;
	g->n_edits = g->edit = g->n_tells = g->tell = 0;
	g->n_made = 0;
	if (ev->tile != SMTP_OPAQUE && ev->side == SMTP_CLIENT)
		g->skipping = false;
	switch (ev->tile) {
	case SMTP_COMMAND:
		on_command(g, s, ev, now_us);
		break;
	case SMTP_CREDENTIAL:
		on_credential(g, s, ev, now_us);
		break;
	case SMTP_CONTENT:
		on_content(g, s, ev, now_us);
		break;
	case SMTP_END_OF_DATA:
		on_end_of_data(g, s, ev, now_us);
		break;
	case SMTP_REPLY:
		on_reply(g, ev, now_us);
		break;
	case SMTP_OPAQUE:
	case SMTP_TILES:
		on_opaque(g, ev);
		break;
	}
	if (g->withholds)
		g->form = GATE_WHOLE;
}

enum gate_fate
gate_fate(const struct gate *g)
{
	if (g->form == GATE_WHOLE)
		return g->withholds ? GATE_WITHHELD : GATE_FORWARDED;
	return GATE_EDITED;
}

/* The front of what is left to deal with. */
static bool
step_of(struct gate *g, struct gate_step *step, enum gate_move move, size_t n)
{
	*step = (struct gate_step){ .move = move, .rule = g->why,
	    .bytes = span_cut(&g->rest, n) };
	return true;
}

static bool
make_step(struct gate *g, struct gate_step *step, struct span bytes)
{
	*step = (struct gate_step){ .move = GATE_MAKE, .rule = g->why,
	    .bytes = bytes };
	return true;
}

/* What stays before the next edit, what it takes out, what it puts in. */
static bool
next_of_line(struct gate *g, struct gate_step *step)
{
	const struct gate_edit *e = &g->edits[g->edit];
	size_t before;

	if (g->edit == g->n_edits) {
		g->form = GATE_NOTHING;
		return g->rest.n && step_of(g, step, GATE_PASS, g->rest.n);
	}
	before = g->rest.n && e->out.p > g->rest.p ?
	    (size_t)(e->out.p - g->rest.p) : 0;
	if (before)
		return step_of(g, step, GATE_PASS, before);
	if (e->out.n && !g->pending.n) {
		g->pending = e->out;
		return step_of(g, step, GATE_WITHHOLD, e->out.n);
	}
	g->pending.n = 0;
	g->edit++;
	return e->in.n ? make_step(g, step, e->in) : next_of_line(g, step);
}

static bool
next_of_content(struct gate *g, struct gate_step *step)
{
	enum newline_what what;
	size_t n;

	if (g->pending.n) {
		struct span bytes = g->pending;

		g->pending.n = 0;
		return make_step(g, step, bytes);
	}
	if (g->rest.n == 0) {
		g->form = GATE_NOTHING;
		return false;
	}
	n = newline_next(g->raw, g->rest, g->line_start, &what);
	if (n)
		return step_of(g, step, GATE_PASS, n);
	g->pending = what == NEWLINE_STUFF ? SPAN(".") : SPAN(" ");
	return step_of(g, step, what == NEWLINE_STUFF ? GATE_PASS :
	    GATE_WITHHOLD, 1);
}

static bool
next_of_event(struct gate *g, struct gate_step *step)
{
	switch (g->form) {
	case GATE_NOTHING:
		return false;
	case GATE_WHOLE:
		g->form = GATE_NOTHING;
		return g->rest.n && step_of(g, step, g->withholds ?
		    GATE_WITHHOLD : GATE_PASS, g->rest.n);
	case GATE_LINE:
		return next_of_line(g, step);
	case GATE_CONTENT:
		return next_of_content(g, step);
	}
	return false;
}

static bool
next_own(struct gate *g, struct gate_step *step)
{
	const struct gate_own *o = &g->own[g->first_own];

	if (g->n_own == 0 || o->behind)
		return false;
	*step = (struct gate_step){ .move = GATE_REPLY, .bytes = o->reply,
	    .rule = o->rule };
	g->why = o->rule;
	if (o->close) {
		g->end = GATE_CLOSES;
		g->over = true;
		g->n_own = 0;
	} else {
		g->first_own = (g->first_own + 1) % GATE_OWN_MAX;
		g->n_own--;
	}
	return true;
}

static bool
next_end(struct gate *g, struct gate_step *step)
{
	static const enum gate_move moves[] = { [GATE_LEAVES] = GATE_LEAVE,
	    [GATE_CLOSES] = GATE_CLOSE, [GATE_RESETS] = GATE_RESET };

	if (g->end == GATE_GOES_ON)
		return false;
	*step = (struct gate_step){ .move = moves[g->end], .rule = g->why };
	g->end = GATE_GOES_ON;
	return true;
}

bool
gate_next(struct gate *g, struct gate_step *step)
{
	if (g->tell < g->n_tells) {
		*step = g->tells[g->tell++];
		return true;
	}
	return next_of_event(g, step) || next_end(g, step) ||
	    next_own(g, step);
}
