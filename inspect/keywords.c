/* keywords: what a client sees of the reply to EHLO (RFC 5321 4.1.1.1).
 *
 * Line 1 is never a keyword. The last line of what goes out says so with a
 * blank behind its code, whichever lines were taken out or added: a line is
 * decided on when it is known whether another one stays behind it. */
#include "inspect/engine.h"
#include "inspect/gating.h"

/* "AUTH=LOGIN" is an old form of "AUTH LOGIN". */
static struct span
keyword_of(struct span text)
{
	size_t n = 0;

	while (n < text.n && text.p[n] != ' ' && text.p[n] != '\t' &&
	    text.p[n] != '=')
		n++;
	return (struct span){ text.p, n };
}

/* What stands behind the keyword, from its first word on. */
static struct span
arguments_of(struct span text)
{
	struct span rest = span_from(text, keyword_of(text).n);

	while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t' ||
	    rest.p[0] == '='))
		rest = span_from(rest, 1);
	return rest;
}

static bool
filters(const struct gate *g, struct span text)
{
	return (g->now->filters_auth || tls_ends_here(g)) &&
	    span_is(keyword_of(text), "AUTH");
}

/* What binds to the TLS channel (RFC 5802 6) cannot work where there are two. */
static bool
binds(const struct gate *g, struct span mechanism)
{
	return tls_ends_here(g) && mechanism.n > 5 &&
	    span_is(span_from(mechanism, mechanism.n - 5), "-PLUS");
}

static bool
is_listed(const struct gate *g, struct span mechanism)
{
	return !g->now->filters_auth ||
	    policy_has_word(g->now->auth_allow, mechanism);
}

/* A mechanism is the client's to choose. */
static bool
may_be_chosen(const struct gate *g, struct span mechanism)
{
	return !binds(g, mechanism) &&
	    (is_listed(g, mechanism) || g->now->dry_run);
}

/* Mechanisms of an AUTH line: all, those allowed, those the policy lists. */
struct mechanisms {
	unsigned all, allowed, listed;
};

static struct mechanisms
count(const struct gate *g, struct span text)
{
	struct span rest = arguments_of(text), word;
	struct mechanisms n = { 0 };

	while ((word = span_word(&rest)).n || (rest = span_trim(rest)).n) {
		if (word.n == 0)
			continue;
		n.all++;
		n.allowed += may_be_chosen(g, word);
		n.listed += is_listed(g, word);
	}
	return n;
}

/* No line is left: also of one without any, where mechanisms are listed. */
static bool
empties(const struct gate *g, struct mechanisms n)
{
	return n.allowed == 0 &&
	    (n.all || (g->now->filters_auth && !g->now->dry_run));
}

/* A line behind the first one stays, if only in part. */
static bool
survives(struct gate *g, struct span text)
{
	const struct policy_rule *r = judge_keyword(g, keyword_of(text), false);

	if (tls_hides(g, keyword_of(text)))
		return false;
	if (r && r->action == POLICY_STRIP && !g->now->dry_run)
		return false;
	return !filters(g, text) || !empties(g, count(g, text));
}

/* Lines may be taken out, or put in. */
static bool
moves_lines(const struct gate *g)
{
	return tls_ends_here(g) || (g->now->edits_ehlo && !g->now->dry_run);
}

bool
keywords_asked(enum smtp_verb verb)
{
	return verb == SMTP_EHLO || verb == SMTP_LHLO;
}

bool
keywords_find(struct span in, const char *keyword, bool *found)
{
	bool first = true, last = false;
	size_t n;

	*found = false;
	for (; !last && (n = span_line(in)) != 0; first = false) {
		struct span line = span_chomp(span_cut(&in, n));

		if (engine_code(line, &last) / 100 != 2)
			return true;
		*found |= !first && span_is(keyword_of(span_from(line,
		    line.n > 3 ? 4 : 3)), keyword);
	}
	return last;
}

bool
keywords_ready(struct gate *g, const struct smtp_session *s, struct span in,
    bool ended)
{
	size_t offered = in.n, n = span_line(in);
	bool last;

	if (!keywords_asked(smtp_answering(s)) || !moves_lines(g) ||
	    g->too_long)
		return true;
	g->survivors = true;
	if (engine_code(span_chomp(span_cut(&in, n)), &last) / 100 != 2 || last)
		return true;
	while ((n = span_line(in)) != 0) {
		struct span line = span_chomp(span_cut(&in, n));
		int code = engine_code(line, &last);

		if (code == 0)	/* it is no part of the reply */
			continue;
		if (code / 100 != 2 ||
		    survives(g, span_from(line, line.n > 3 ? 4 : 3)))
			return true;
		if (last) {
			g->survivors = false;
			return true;
		}
	}
	g->too_long = offered >= SMTP_LINE_MAX;
	return ended || g->too_long;
}

/* What does not fit into one line of ours keeps the length it can. */
static void
mask(struct gate *g, struct span text)
{
	char masked[POLICY_REPLY_MAX];
	size_t n = text.n < sizeof masked ? text.n : sizeof masked;

	if (n == 0)
		return;
	memset(masked, 'X', n);
	masked[n - 1] = (char)('A' + g->masked++ % 26);
	(void)gate_edit(g, text, gate_make(g, masked, n));
}

/* The arguments of AUTH without what is not allowed. */
static void
filter_auth(struct gate *g, struct span text)
{
	struct span rest = arguments_of(text), all = rest, word;
	const char *from = g->made + g->n_made;
	struct mechanisms n = count(g, text);

	if (g->now->filters_auth && (n.listed < n.all || n.all == 0))
		gate_tell_edit(g, GATE_TOLD_AUTH, "auth-allow", text);
	if (empties(g, n))
		g->withholds = true;
	if (n.allowed == n.all || g->withholds)
		return;
	while (rest.n) {
		word = span_word(&rest);
		rest = span_trim(rest);
		if (!may_be_chosen(g, word))
			continue;
		if (g->made + g->n_made != from)
			(void)gate_make(g, " ", 1);
		(void)gate_make(g, word.p, word.n);
	}
	gate_change(g, all, (struct span){ from,
	    (size_t)(g->made + g->n_made - from) });
}

/* RFC 1870 4: no number, or 0, is no limit. */
static void
clamp_size(struct gate *g, struct span text)
{
	struct span number = arguments_of(text);
	uint64_t size = 0;

	for (size_t i = 0; i < number.n && size <= g->now->size_limit; i++) {
		if (number.p[i] < '0' || number.p[i] > '9')
			return;
		size = size * 10 + (uint64_t)(number.p[i] - '0');
	}
	if (size && size <= g->now->size_limit)
		return;
	gate_tell_edit(g, GATE_TOLD_SIZE, "ehlo-size-limit", text);
	if (number.n == 0)
		(void)gate_edit(g, (struct span){ text.p + text.n, 0 }, SPAN(" "));
	(void)gate_edit(g, number.n ? number : (struct span){ text.p + text.n, 0 },
	    gate_number(g, g->now->size_limit));
}

/* Lines of ours that the server has already. */
static void
note_present(struct gate *g, struct span keyword)
{
	const struct policy_words *add = &g->now->ehlo_add;

	for (size_t i = 0; i < add->n; i++) {
		struct span own = keyword_of(add->list[i]);

		if (own.n == keyword.n &&
		    span_alike(own.p, keyword.p, own.n))
			g->added |= UINT64_C(1) << i;
	}
}

static unsigned
to_add(const struct gate *g)
{
	unsigned n = 0;

	for (size_t i = 0; i < g->now->ehlo_add.n; i++)
		n += !(g->added >> i & 1);
	return n;
}

static bool
is_final(const struct gate *g, const struct smtp_event *ev)
{
	return ev->last || (moves_lines(g) && !g->survivors);
}

/* "-" if another line follows in what goes out, a blank if not. */
static void
separate(struct gate *g, const struct smtp_event *ev)
{
	bool goes_on = !is_final(g, ev) || tls_offers(g) ||
	    (to_add(g) && !g->now->dry_run);
	struct span now = { ev->raw.p + 3, (size_t)(ev->text.p - ev->raw.p) - 3 };

	if (goes_on == ev->last)
		gate_change(g, now, goes_on ? SPAN("-") : SPAN(" "));
}

static void
edit_keyword(struct gate *g, const struct smtp_event *ev)
{
	struct span keyword = keyword_of(ev->text);
	const struct policy_rule *r = judge_keyword(g, keyword, true);

	if (tls_hides(g, keyword)) {
		tls_hide(g, keyword);
		return;
	}
	if (r && r->action != POLICY_MASK && !g->now->dry_run) {
		if (r->action == POLICY_STRIP)
			g->withholds = true;
		else
			gate_finish(g, r);
		return;
	}
	note_present(g, keyword);
	separate(g, ev);
	if (r && r->action == POLICY_MASK)
		mask(g, ev->text);
	else if (filters(g, ev->text))
		filter_auth(g, ev->text);
	else if (g->now->size_limit && span_is(keyword, "SIZE"))
		clamp_size(g, ev->text);
}

void
keywords_edit(struct gate *g, const struct smtp_event *ev)
{
	if (ev->first)
		separate(g, ev);
	else
		edit_keyword(g, ev);
}

static void
make_line(struct gate *g, const struct smtp_event *ev, struct span text,
    bool last)
{
	struct span end = span_from(ev->raw, span_chomp(ev->raw).n);

	(void)gate_make(g, ev->raw.p, 3);
	(void)gate_make(g, last ? " " : "-", 1);
	(void)gate_make(g, text.p, text.n);
	(void)gate_make(g, end.p, end.n);
}

void
keywords_add(struct gate *g, const struct smtp_event *ev)
{
	const struct policy_words *add = &g->now->ehlo_add;
	const char *from = g->made + g->n_made;
	unsigned left = to_add(g);

	if (!is_final(g, ev) || g->withholds)
		return;
	if (left)
		gate_tell_edit(g, GATE_TOLD_ADD, "ehlo-add", add->list[0]);
	for (size_t i = 0; i < add->n && !g->now->dry_run; i++)
		if (!(g->added >> i & 1))
			make_line(g, ev, add->list[i], --left == 0 &&
			    !tls_offers(g));
	if (tls_offers(g))
		make_line(g, ev, SPAN("STARTTLS"), true);
	gate_change(g, (struct span){ ev->raw.p + ev->raw.n, 0 },
	    (struct span){ from, (size_t)(g->made + g->n_made - from) });
}
