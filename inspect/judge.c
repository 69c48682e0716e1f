/* judge: which rules of a policy fire (subjects.def). */
#include "inspect/ask.h"

/* The first time since bits were cleared? */
static bool
is_first(uint64_t *bits, size_t i)
{
	uint64_t bit = UINT64_C(1) << i % 64;
	bool first = !(bits[i / 64] & bit);

	bits[i / 64] |= bit;
	return first;
}

static bool
exceeds_rate(const struct gate *g, const struct policy_rule *r, int64_t now_us)
{
	return g->rates && !rate_allows(g->rates,
	    rate_key(r->rate_key, g->client), r->rate, r->burst, now_us);
}

/* A rule whose comparison has this answer: is it the one to act on? */
static bool
fires(struct gate *g, const struct policy_rule *r, enum answer answer,
    const struct question *q, int64_t now_us)
{
	if (answer == NOT_ASKED || (answer == YES) == r->unless)
		return false;
	if (r->action == POLICY_RATE && !exceeds_rate(g, r, now_us))
		return false;
	gate_tell(g, r->name, r->action, q->detail.p ? q->detail :
	    gate_number(g, q->number));
	return r->action != POLICY_TELL && r->action != POLICY_TAG;
}

const struct policy_rule *
judge_event(struct gate *g, const struct smtp_event *ev, int64_t now_us)
{
	const struct policy *p = g->now;

	for (size_t i = 0; i < p->n_rules; i++) {
		struct question q = { .ev = ev };
		enum answer answer = ask_event(g, &p->rules[i], &q);

		if (ev->tile == SMTP_CONTENT && answer == YES &&
		    !is_first(g->fired, i))
			continue;
		if (fires(g, &p->rules[i], answer, &q, now_us))
			return &p->rules[i];
	}
	return NULL;
}

const struct policy_rule *
judge_find(struct gate *g, const struct mime_find *find)
{
	const struct policy *p = g->now;

	for (size_t i = 0; i < p->n_rules; i++) {
		struct question q = { 0 };
		enum answer answer = ask_find(g, &p->rules[i], find, &q);

		/* the find is gone with the next one */
		q.detail = gate_make(g, q.detail.p, q.detail.n < 128 ?
		    q.detail.n : 128);
		if (fires(g, &p->rules[i], answer, &q, 0))
			return &p->rules[i];
	}
	return NULL;
}

const struct policy_rule *
judge_measures(struct gate *g)
{
	const struct policy *p = g->now;

	for (size_t i = 0; i < p->n_rules; i++) {
		struct question q = { 0 };
		enum answer answer = ask_measures(g, &p->rules[i], &q);

		if (answer == YES && is_first(g->fired, i) &&
		    fires(g, &p->rules[i], answer, &q, 0))
			return &p->rules[i];
	}
	return NULL;
}

const struct policy_rule *
judge_keyword(struct gate *g, struct span keyword, bool tells)
{
	const struct policy *p = g->now;

	for (size_t i = 0; i < p->n_rules; i++) {
		const struct policy_rule *r = &p->rules[i];
		bool only_told = r->action == POLICY_TELL ||
		    r->action == POLICY_TAG;

		if (r->subject != POLICY_EHLO_KEYWORD ||
		    policy_has_word(r->words, keyword) == r->unless)
			continue;
		if (tells && is_first(g->stripped, i))
			gate_tell(g, r->name, r->action, keyword);
		if (!only_told)
			return r;
	}
	return NULL;
}

bool
judge_helo(struct policy_words words, struct span name)
{
	for (size_t i = 0; i < words.n; i++) {
		struct span word = words.list[i], end = name;

		if (word.n && word.p[0] == '.' && name.n > word.n)
			end = span_from(name, name.n - word.n);
		if (end.n == word.n && span_alike(end.p, word.p, word.n))
			return true;
	}
	return false;
}
