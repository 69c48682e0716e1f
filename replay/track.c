#include "replay/track.h"

#include <stdlib.h>

#include "replay/print.h"

void
track_open(struct track *t, const struct store_wire *wire, enum smtp_side side)
{
	*t = (struct track){ .wire = wire, .side = side };
}

void
track_close(struct track *t)
{
	text_free(&t->pieces);
}

static enum track_fate
fate_of(enum wire_kind kind)
{
	if (kind == WIRE_MADE)
		return TRACK_MADE;
	return kind == WIRE_WITHHELD || kind == WIRE_WITHHELD_REDACTED ?
	    TRACK_WITHHELD : TRACK_PASSED;
}

/* The next segment with bytes that this side said or seems to have said; NULL:
 * there is none. */
static const struct store_segment *
next_segment(struct track *t)
{
	for (; t->segment < t->wire->n; t->segment++, t->at = 0) {
		const struct store_segment *seg;

		seg = &t->wire->segments[t->segment];
		if (seg->side == t->side && t->at < seg->bytes.n &&
		    (wire_is_stream(seg->kind) || seg->kind == WIRE_MADE))
			return seg;
	}
	return NULL;
}

static void
add(struct track *t, struct track_run *run, enum track_fate fate,
    struct span bytes)
{
	struct track_piece piece = { fate, bytes };
	struct track_piece *last = (struct track_piece *)(void *)t->pieces.p;

	run->withheld |= fate == TRACK_WITHHELD;
	run->made |= fate == TRACK_MADE;
	t->changed = fate != TRACK_PASSED;
	if (run->n && last[run->n - 1].fate == fate &&
	    last[run->n - 1].bytes.p + last[run->n - 1].bytes.n == bytes.p) {
		last[run->n - 1].bytes.n += bytes.n;
		return;
	}
	text_put(&t->pieces, &piece, sizeof(piece));
	if (t->pieces.failed)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	run->n++;
}

/* Nothing of this side's stands between the octet taken last and a line of our
 * own: what was made behind that is of the next octet. */
static bool
is_at_own(const struct track *t)
{
	size_t i = t->segment;

	if (i < t->wire->n && t->at == t->wire->segments[i].bytes.n)
		i++;
	return i < t->wire->n && t->wire->segments[i].kind == WIRE_OWN &&
	    t->wire->segments[i].side == t->side;
}

/* What was made behind the octet taken last. */
static void
take_made(struct track *t, struct track_run *run)
{
	const struct store_segment *seg;

	while (!is_at_own(t) && (seg = next_segment(t)) != NULL &&
	    seg->kind == WIRE_MADE && seg->t_us == run->t_us) {
		add(t, run, TRACK_MADE, seg->bytes);
		t->segment++;
	}
}

void
track_take(struct track *t, struct span raw, struct track_run *run)
{
	const struct store_segment *seg;
	bool any = false;

	*run = (struct track_run){ .n = 0 };
	text_clear(&t->pieces);
	while (raw.n && (seg = next_segment(t)) != NULL) {
		size_t left = seg->bytes.n - t->at;

		if (seg->kind == WIRE_MADE) {
			add(t, run, TRACK_MADE, seg->bytes);
			t->segment++;
			continue;
		}
		if (!any)
			run->from_us = seg->t_us;
		any = true;
		run->t_us = seg->t_us;
		left = raw.n < left ? raw.n : left;
		add(t, run, fate_of(seg->kind), span_cut(&raw, left));
		t->at += left;
	}
	take_made(t, run);
	run->pieces = (const struct track_piece *)(void *)t->pieces.p;
}

bool
track_changes(const struct track *t, size_t n)
{
	struct track ahead = *t;
	const struct store_segment *seg;

	while (n && (seg = next_segment(&ahead)) != NULL) {
		size_t left = seg->bytes.n - ahead.at;

		if (fate_of(seg->kind) != TRACK_PASSED)
			return true;
		left = n < left ? n : left;
		n -= left;
		ahead.at += left;
	}
	return t->changed;
}
