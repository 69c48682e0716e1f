#include "tests/fuzz/script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(p, n)		((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n)	((void)(p), (void)(n))
#endif

/* One side's stream during a play. Octets that have not come yet, and those
 * that are consumed, are poisoned under ASan. */
struct stream {
	char *p;
	size_t n, arrived, consumed;
};

struct play {
	const struct script *script;
	struct smtp_session session;
	struct stream stream[2];
	struct script_trace *trace;
	size_t piece;
	uint32_t random;	/* 0: pieces are all of one size */
};

static void *
grow(void *p, size_t *room, size_t n, size_t size)
{
	while (*room < n)
		*room = *room ? 2 * *room : 64;
	p = realloc(p, *room * size);
	if (!p)
		abort();
	return p;
}

static struct script_part *
add_part(struct script *s)
{
	if (s->n == s->room)
		s->parts = grow(s->parts, &s->room, s->n + 1,
		    sizeof(*s->parts));
	return &s->parts[s->n++];
}

void
script_say(struct script *s, enum smtp_side side, const void *p, size_t n)
{
	size_t at = s->octets[side];

	if (!n || s->ended[side])
		return;
	if (at + n > s->space[side])
		s->bytes[side] = grow(s->bytes[side], &s->space[side], at + n, 1);
	memcpy(s->bytes[side] + at, p, n);
	s->octets[side] += n;
	*add_part(s) = (struct script_part){ side, false, at, n };
}

void
script_end(struct script *s, enum smtp_side side)
{
	if (!s->ended[side])
		*add_part(s) = (struct script_part){ side, true,
			s->octets[side], 0 };
	s->ended[side] = true;
}

void
script_clear(struct script *s)
{
	s->n = 0;
	s->octets[SMTP_CLIENT] = s->octets[SMTP_SERVER] = 0;
	s->ended[SMTP_CLIENT] = s->ended[SMTP_SERVER] = false;
	s->strict = false;
}

void
script_free(struct script *s)
{
	free(s->parts);
	free(s->bytes[SMTP_CLIENT]);
	free(s->bytes[SMTP_SERVER]);
	memset(s, 0, sizeof(*s));
}

void
script_trace_free(struct script_trace *t)
{
	free(t->events[SMTP_CLIENT]);
	free(t->events[SMTP_SERVER]);
	memset(t, 0, sizeof(*t));
}

/* Note a broken promise, the first one only. */
static void
find(struct play *y, enum smtp_side side, const char *what)
{
	if (!y->trace->finding[0])
		(void)snprintf(y->trace->finding, sizeof(y->trace->finding),
		    "%s, at octet %zu of the %s", what,
		    y->stream[side].consumed,
		    side == SMTP_CLIENT ? "client" : "server");
}

static bool
inside(struct span part, struct span whole)
{
	return part.n == 0 || (part.p >= whole.p && part.n <= whole.n &&
	    (size_t)(part.p - whole.p) <= whole.n - part.n);
}

/* Where a part of raw lies in its stream; 0 for an empty one. */
static size_t
offset(const struct stream *s, struct span part)
{
	return part.n ? (size_t)(part.p - s->p) : 0;
}

static struct script_event
flatten(const struct stream *s, const struct smtp_event *ev)
{
	return (struct script_event){
		.tile = ev->tile, .verb = ev->verb, .fact = ev->fact,
		 .anomalies = ev->anomalies, .code = ev->code,
		.first = ev->first, .last = ev->last,
		.answered = ev->answered, .per_rcpt = ev->per_rcpt,
		.rcpt = ev->rcpt,
		.raw_at = offset(s, ev->raw), .raw_n = ev->raw.n,
		.text_at = offset(s, ev->text), .text_n = ev->text.n,
		.secret_at = offset(s, ev->secret), .secret_n = ev->secret.n,
	};
}

/* One run of octets that happens to come in two pieces. */
static bool
continues(const struct script_event *a, const struct script_event *b)
{
	return a->tile == b->tile && a->verb == b->verb &&
	    (a->tile == SMTP_CONTENT || a->tile == SMTP_OPAQUE) && !a->last;
}

static void
keep(struct script_trace *t, enum smtp_side side, struct script_event e)
{
	size_t *n = &t->n[side];
	struct script_event *before = *n ? &t->events[side][*n - 1] : NULL;

	if (before && continues(before, &e)) {
		before->raw_n += e.raw_n;
		before->anomalies |= e.anomalies;
		before->last = e.last;
		if (!before->secret_n)
			before->secret_at = e.secret_at;
		before->secret_n += e.secret_n;
		return;
	}
	if (*n == t->room[side])
		t->events[side] = grow(t->events[side], &t->room[side], *n + 1,
		    sizeof(e));
	t->events[side][(*n)++] = e;
}

static void
check_event(struct play *y, enum smtp_side side, struct span before,
    struct span after, const struct smtp_event *ev)
{
	if (ev->raw.n == 0)
		find(y, side, "an event of no octets");
	if (ev->raw.n > before.n)
		find(y, side, "an event longer than what has come");
	if (ev->raw.p != before.p || after.p != before.p + ev->raw.n ||
	    after.n != before.n - ev->raw.n)
		find(y, side, "raw is not what was cut off");
	if (ev->side != side)
		find(y, side, "an event of the other side");
	if (!inside(ev->text, ev->raw) || !inside(ev->secret, ev->raw))
		find(y, side, "text or secret outside raw");
}

/* Offer what has come of a side; whether an event came of it. */
static bool
take(struct play *y, enum smtp_side side)
{
	struct stream *s = &y->stream[side];
	struct span in = { s->p + s->consumed, s->arrived - s->consumed };
	struct span before = in;
	struct smtp_event ev;
	enum smtp_step step = smtp_next(&y->session, side, &in, &ev);

	if (step != SMTP_EVENT) {
		if (in.p != before.p || in.n != before.n)
			find(y, side, "bytes cut off without an event");
		if (step == SMTP_MORE && in.n >= SMTP_LINE_MAX)
			find(y, side, "MORE leaves a line too long");
		return false;
	}
	check_event(y, side, before, in, &ev);
	if (y->trace->finding[0])
		return false;
	keep(y->trace, side, flatten(s, &ev));
	ASAN_POISON_MEMORY_REGION(s->p + s->consumed, ev.raw.n);
	s->consumed += ev.raw.n;
	return true;
}

/* Begin with the side that has just spoken, go on until neither gives an event;
 * and once more: the call with nothing left to offer may set the other free. */
static void
settle(struct play *y, enum smtp_side spoke)
{
	enum smtp_side other = spoke == SMTP_CLIENT ? SMTP_SERVER : SMTP_CLIENT;
	int quiet = 0;

	while (quiet < 2) {
		bool any = false;

		while (take(y, spoke))
			any = true;
		while (take(y, other))
			any = true;
		quiet = any ? 0 : quiet + 1;
	}
}

static size_t
next_piece(struct play *y, size_t left)
{
	size_t n = y->piece;

	if (y->random) {
		y->random = y->random * 1664525u + 1013904223u;
		n = 1 + (y->random >> 8) % n;
	}
	return n && n < left ? n : left;
}

static void
arrive(struct play *y, const struct script_part *part)
{
	struct stream *s = &y->stream[part->side];
	size_t left = part->n;

	while (left && !y->trace->finding[0]) {
		size_t n = next_piece(y, left);

		ASAN_UNPOISON_MEMORY_REGION(s->p + s->consumed,
		    s->arrived + n - s->consumed);
		s->arrived += n;
		left -= n;
		settle(y, part->side);
	}
	if (part->end) {
		smtp_end(&y->session, part->side);
		settle(y, part->side);
	}
}

/* The stream has memory of its own: ASan sees what is read behind its end. */
static void
open_stream(struct play *y, enum smtp_side side)
{
	struct stream *s = &y->stream[side];

	s->n = y->script->octets[side];
	s->p = malloc(s->n ? s->n : 1);
	if (!s->p)
		abort();
	memcpy(s->p, s->n ? y->script->bytes[side] : "", s->n);
	ASAN_POISON_MEMORY_REGION(s->p, s->n);
}

static void
close_stream(struct play *y, enum smtp_side side)
{
	struct stream *s = &y->stream[side];

	if (!y->trace->finding[0] && s->consumed != s->n)
		find(y, side, "not all is consumed at the end");
	ASAN_UNPOISON_MEMORY_REGION(s->p, s->n);
	free(s->p);
}

const char *
script_play(const struct script *s, size_t piece, uint32_t seed,
    struct script_trace *t)
{
	struct play y = { .script = s, .trace = t, .piece = piece,
		.random = seed };

	t->n[SMTP_CLIENT] = t->n[SMTP_SERVER] = 0;
	t->finding[0] = '\0';
	open_stream(&y, SMTP_CLIENT);
	open_stream(&y, SMTP_SERVER);
	smtp_start(&y.session);
	if (s->strict)
		smtp_strict(&y.session, true);
	for (size_t i = 0; i < s->n && !t->finding[0]; i++)
		arrive(&y, &s->parts[i]);
	for (enum smtp_side side = SMTP_CLIENT; side <= SMTP_SERVER; side++)
		if (!s->ended[side])
			arrive(&y, &(struct script_part){ side, true, 0, 0 });
	close_stream(&y, SMTP_CLIENT);
	close_stream(&y, SMTP_SERVER);
	return t->finding[0] ? t->finding : NULL;
}

static bool
alike(const struct script_event *a, const struct script_event *b)
{
	return a->tile == b->tile && a->verb == b->verb &&
	    a->fact == b->fact && a->anomalies == b->anomalies &&
	    a->code == b->code && a->first == b->first && a->last == b->last &&
	    a->answered == b->answered && a->per_rcpt == b->per_rcpt &&
	    a->rcpt == b->rcpt && a->raw_at == b->raw_at &&
	    a->raw_n == b->raw_n && a->text_at == b->text_at &&
	    a->text_n == b->text_n && a->secret_at == b->secret_at &&
	    a->secret_n == b->secret_n;
}

/* One event in words; "none" behind the last one. */
static void
describe(const struct script_trace *t, enum smtp_side side, size_t i,
    char out[160])
{
	const struct script_event *e = &t->events[side][i];

	if (i >= t->n[side])
		(void)snprintf(out, 160, "none");
	else
		(void)snprintf(out, 160, "%s %s %d %s, octets %zu+%zu, "
		    "secret %zu+%zu, odd %" PRIx64 ", %d%d%d%d %u",
		    smtp_tile_name(e->tile), smtp_verb_name(e->verb), e->code,
		    smtp_fact_name(e->fact), e->raw_at, e->raw_n, e->secret_at,
		    e->secret_n, e->anomalies, e->first, e->last, e->answered,
		    e->per_rcpt, e->rcpt);
}

/* Note in a's finding the first event of a side that is not the same in b. */
static void
compare(struct script_trace *a, const struct script_trace *b,
    enum smtp_side side)
{
	const struct script_event *x = a->events[side], *y = b->events[side];
	char whole[160], pieces[160];
	size_t i = 0;

	while (i < a->n[side] && i < b->n[side] && alike(&x[i], &y[i]))
		i++;
	if (a->finding[0] || (i == a->n[side] && i == b->n[side]))
		return;
	describe(a, side, i, whole);
	describe(b, side, i, pieces);
	(void)snprintf(a->finding, sizeof(a->finding),
	    "the %s's event %zu is %s; in pieces %s",
	    side == SMTP_CLIENT ? "client" : "server", i, whole, pieces);
}

const char *
script_same(const struct script *s, size_t piece, uint32_t seed,
    struct script_trace *with)
{
	struct script_trace t = { .finding = "" };

	if (script_play(s, piece, seed, &t))
		memcpy(with->finding, t.finding, sizeof(t.finding));
	compare(with, &t, SMTP_CLIENT);
	compare(with, &t, SMTP_SERVER);
	script_trace_free(&t);
	return with->finding[0] ? with->finding : NULL;
}

const char *
script_check(const struct script *s, uint32_t seed, struct script_trace *t)
{
	const char *finding = script_play(s, 0, 0, t);

	if (!finding)
		finding = script_same(s, 1, 0, t);
	if (!finding)
		finding = script_same(s, 1 + seed % 31, seed | 1, t);
	return finding;
}
