#include "record/tap_part.h"

#include <stdio.h>
#include <stdlib.h>

static struct recorder_part *
part(struct tap *t)
{
	struct tap_state *s = t->state;

	if (s->part == NULL && t->port) {
		s->part = recorder_part(t->port);
		if (s->part) {
			s->part->exchanges_before =
			    s->account.dialogue.written;
			s->part->events_before = s->account.notes.written;
			s->messages_end = &s->part->messages;
			reel_new_log(&s->reel);
		}
	}
	return s->part;
}

struct ledger
tap_ledger(struct tap *t)
{
	struct tap_state *s = t->state;
	struct recorder_part *p = s->dropping ? NULL : part(t);

	if (p)
		return (struct ledger){ &p->exchanges, &p->events,
		    s->messages_end };
	return (struct ledger){ &s->discard, &s->discard, &s->discarded };
}

void
tap_ledger_done(struct tap *t, const struct ledger *to)
{
	struct tap_state *s = t->state;
	struct recorder_message *next;

	if (to->exchanges != &s->discard) {
		s->messages_end = to->messages;
		return;
	}
	text_clear(&s->discard);
	for (; s->discarded; s->discarded = next) {
		next = s->discarded->next;
		free(s->discarded);
	}
}

struct text *
tap_log(struct tap *t)
{
	struct recorder_part *p = t->state->dropping ? NULL : part(t);

	return p ? &p->wire : NULL;
}

void
tap_frame(struct tap *t, const struct wire_frame *f)
{
	if (t->port)
		reel_frame(&t->state->reel, tap_log(t), f);
}

void
tap_keep_tls(struct tap *t, struct recorder_tls *tls)
{
	struct recorder_part *p = t->state->dropping ? NULL : part(t);

	if (p) {
		tls->next = p->tls;
		p->tls = tls;
		return;
	}
	text_free(&tls->chain);
	free(tls);
}

void
tap_tell_gaps(struct tap *t)
{
	struct tap_state *s = t->state;
	struct ledger to = tap_ledger(t);
	struct wire_frame f;
	struct note note;
	char detail[64];

	for (int side = 0; side < 2; side++) {
		if (!t->port || !reel_gap(&s->reel, (enum smtp_side)side, &f))
			continue;
		t->facts.gap = true;
		(void)snprintf(detail, sizeof detail,
		    "%llu octets passed unrecorded",
		    (unsigned long long)f.octets);
		tap_frame(t, &f);
		note = (struct note){ f.t_us, (enum smtp_side)side,
		    "recording-gap", "warning", span_of(detail), NULL };
		account_note(&s->account, &note, &t->facts, &to);
	}
	tap_ledger_done(t, &to);
}

void
tap_hand_over(struct tap *t, bool last)
{
	struct tap_state *s = t->state;
	struct recorder_part *p = part(t);

	if (p == NULL)
		return;
	t->facts.gap |= s->reel.lost;
	p->n = s->parts++;
	p->last = last;
	p->row = true;
	p->session = t->facts;
	s->part = NULL;
	recorder_put(t->port, p);
}

static bool
part_full(const struct recorder_part *p)
{
	return p && (p->wire.n >= TAP_PART_MAX ||
	    p->exchanges.n >= TAP_PART_MAX || p->events.n >= TAP_PART_MAX);
}

/* The recorder has room: what was gathered goes, what was dropped is told. */
static void
go_on(struct tap *t)
{
	const uint64_t *gap = t->state->reel.gap;

	tap_hand_over(t, false);
	t->state->dropping = false;
	if (gap[SMTP_CLIENT] || gap[SMTP_SERVER])
		tap_tell_gaps(t);
}

void
tap_pass_on(struct tap *t)
{
	struct tap_state *s = t->state;

	if (!part_full(s->part) && !s->dropping)
		return;
	if (recorder_ready(t->port))
		go_on(t);
	else if (recorder_failing(t->port))
		s->dropping = true;
}

bool
tap_ready(struct tap *t)
{
	struct tap_state *s = t->state;

	if (t->port == NULL || s->dropping || !part_full(s->part))
		return true;
	return recorder_ready(t->port) || recorder_failing(t->port);
}

bool
tap_dirty(const struct tap *t)
{
	return t->port && t->state && (t->state->part ||
	    t->state->parts == 0 || t->state->dropping);
}

bool
tap_flush(struct tap *t)
{
	if (!tap_dirty(t))
		return true;
	reel_settle(&t->state->reel, tap_log(t));
	if (!recorder_ready(t->port)) {
		tap_pass_on(t);
		return false;
	}
	go_on(t);
	return t->state->part == NULL;
}
