#include "replay/walk_part.h"

#include <stdlib.h>

#include "replay/print.h"

/* So often the sides are looked at in turn, the last time the one that was the
 * first, before it is sure that they wait for more. */
#define LOOKS 3

/* Something has changed: see what is to be understood now, of this side first. */
static void
look(struct walk *w, enum smtp_side side)
{
	w->turn = side;
	w->still = 0;
	w->moved = false;
}

void
walk_open(struct walk *w, const struct store_wire *wire)
{
	*w = (struct walk){ .wire = wire };
	smtp_start(&w->smtp);
	turns_begin(&w->order, &wire->turns);
	handshakes_open(&w->handshakes, wire);
	for (int side = 0; side < 2; side++)
		track_open(&w->sides[side].track, wire, (enum smtp_side)side);
}

void
walk_close(struct walk *w)
{
	for (int side = 0; side < 2; side++) {
		text_free(&w->sides[side].bytes);
		text_free(&w->sides[side].own);
		track_close(&w->sides[side].track);
	}
	text_free(&w->sent);
}

static bool
all_cut(const struct walk_side *s)
{
	return s->cut == s->bytes.n;
}

static void
hear(struct walk *w, enum smtp_side side, struct span bytes)
{
	struct walk_side *s = &w->sides[side];

	/* the server answers, so an end of data was in the gap */
	if (side == SMTP_SERVER && all_cut(&w->sides[SMTP_CLIENT]))
		gap_ends_data(&w->gap, &w->smtp);
	if (all_cut(s) || s->cut > SMTP_LINE_MAX) {
		s->bytes.n -= s->cut;
		if (s->bytes.n)
			memmove(s->bytes.p, s->bytes.p + s->cut, s->bytes.n);
		s->cut = 0;
	}
	text_span(&s->bytes, bytes);
	if (s->bytes.failed)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	s->heard += bytes.n;
	look(w, side);
}

/* In the midst of a segment: it waits for the units before it. */
static void
note_own(struct walk *w, size_t segment)
{
	struct walk_side *s = &w->sides[w->wire->segments[segment].side];
	struct walk_own own = { segment, s->heard };

	text_put(&s->own, &own, sizeof(own));
	if (s->own.failed)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
}

/* All of a segment has come at once; how many octets. */
static uint64_t
hear_segment(struct walk *w)
{
	const struct store_wire *wire = w->wire;
	size_t i = w->next - 1;
	struct walk_side *s = &w->sides[wire->segments[i].side];
	uint64_t before = s->heard;

	do {
		const struct store_segment *seg = &wire->segments[i];

		if (wire_is_stream(seg->kind))
			hear(w, seg->side, seg->bytes);
		else if (seg->kind == WIRE_OWN)
			note_own(w, i);
	} while (++i < wire->n && wire->segments[i].same_segment &&
	    wire->segments[i].kind != WIRE_GAP);
	w->next = i;
	return s->heard - before;
}

/* Our own line was sent before what is left of the segment. */
static bool
is_in_front(const struct store_wire *wire, size_t own)
{
	return own + 1 < wire->n && wire->segments[own + 1].same_segment &&
	    wire->segments[own + 1].kind != WIRE_GAP;
}

/* Lines of our own are to be told from this segment on. */
static void
begin_own(struct walk *w, size_t segment, bool midway)
{
	w->own_segment = segment;
	w->own_midway = midway;
	w->own = w->wire->segments[segment].bytes;
}

/* What was sent of our own in the midst of a segment, before octet at. */
static bool
reach_own(struct walk *w, enum smtp_side side, uint64_t at)
{
	struct walk_side *s = &w->sides[side];
	const struct walk_own *own = (const void *)s->own.p;

	if (s->own_told == s->own.n / sizeof(*own) ||
	    own[s->own_told].behind > at)
		return false;
	begin_own(w, own[s->own_told++].segment, true);
	return true;
}

/* The next line of our own that is to be told. */
static void
take_own(struct walk *w, struct walk_unit *unit)
{
	const struct store_segment *seg = &w->wire->segments[w->own_segment];
	size_t n = span_line(w->own);

	*unit = (struct walk_unit){ .what = WALK_OWN, .side = seg->side,
	    .from_us = seg->t_us, .t_us = seg->t_us, .midway = w->own_midway };
	unit->ev.side = seg->side;
	unit->ev.raw = span_cut(&w->own, n ? n : w->own.n);
	unit->octets = unit->ev.raw.n;
	if (seg->side == SMTP_SERVER) {
		if (span_starts(unit->ev.raw, "454"))
			handshakes_declined(&w->handshakes);
		return;
	}
	handshakes_ask(&w->handshakes, &w->smtp, unit->ev.raw, !w->own.n);
	look(w, SMTP_SERVER);
}

/* Take the next segment. True: it is a unit by itself. */
static bool
take_segment(struct walk *w, struct walk_unit *unit)
{
	const struct store_segment *seg = &w->wire->segments[w->next];

	if (!wire_is_stream(seg->kind) &&
	    reach_own(w, seg->side, UINT64_MAX))
		return false;
	if (seg->kind == WIRE_SECURED && walk_drop_clear(w, seg->side, unit))
		return true;
	if (store_is_mark(w->wire, w->next)) {
		look(w, w->turn);
		if (!turns_mark(&w->order))
			return false;
	}
	w->next++;
	*unit = (struct walk_unit){
		.side = seg->side, .from_us = seg->t_us, .t_us = seg->t_us,
		.octets = seg->octets,
	};
	switch (seg->kind) {
	case WIRE_BYTES:
	case WIRE_REDACTED:
	case WIRE_WITHHELD:
	case WIRE_WITHHELD_REDACTED:
		unit->what = WALK_HEARD;
		unit->octets = hear_segment(w);
		return true;
	case WIRE_GAP:
		if (seg->side == SMTP_CLIENT)
			gap_cross(&w->gap, &w->smtp, seg->octets,
			    all_cut(&w->sides[SMTP_CLIENT]));
		look(w, seg->side);
		unit->what = WALK_GAP;
		return true;
	case WIRE_OWN:
		if (is_in_front(w->wire, w->next - 1)) {
			unit->what = WALK_HEARD;
			unit->octets = hear_segment(w);
			return true;
		}
		begin_own(w, w->next - 1, false);
		return false;
	case WIRE_FIN:
	case WIRE_RESET:
		smtp_end(&w->smtp, seg->side);
		look(w, SMTP_CLIENT);
		unit->what = seg->kind == WIRE_FIN ? WALK_FIN : WALK_RESET;
		return true;
	case WIRE_SECURED:
		unit->what = WALK_SECURED;
		unit->ev.raw = seg->bytes;
		w->strict &= !handshakes_done(&w->handshakes, &w->smtp,
		    w->next - 1);
		look(w, SMTP_CLIENT);
		return true;
	case WIRE_MADE:		/* told with the octet it belongs to */
	case WIRE_KINDS:
		break;
	}
	return false;
}

/* A unit of the side whose turn it is, or of the other: each is read to its
 * end, as when it was recorded, until a look at both has changed nothing. */
static bool
cut_next(struct walk *w, struct walk_unit *unit)
{
	while (w->still < LOOKS) {
		if (walk_cut(w, w->turn, unit)) {
			w->moved = true;
			return true;
		}
		w->still = w->moved ? 0 : w->still + 1;
		w->moved = false;
		w->turn = smtp_other(w->turn);
	}
	return false;
}

/* What can be told without another segment. */
static bool
take_known(struct walk *w, struct walk_unit *unit)
{
	if (!w->own.n && w->is_held)
		(void)reach_own(w, w->held.side, w->sides[w->held.side].done -
		    w->held.octets);
	if (w->own.n) {
		take_own(w, unit);
		return true;
	}
	if (w->is_held) {
		*unit = w->held;
		w->is_held = false;
		return true;
	}
	w->held = (struct walk_unit){ .what = WALK_TILE };
	w->is_held = cut_next(w, &w->held);
	return w->is_held && take_known(w, unit);
}

/* No segment is left. False: nor is anything else. */
static bool
take_last(struct walk *w)
{
	if (!w->last_call) {
		w->last_call = true;
		turns_end(&w->order);
		smtp_end(&w->smtp, SMTP_CLIENT);
		smtp_end(&w->smtp, SMTP_SERVER);
		look(w, SMTP_CLIENT);
		return true;
	}
	return reach_own(w, SMTP_SERVER, UINT64_MAX) ||
	    reach_own(w, SMTP_CLIENT, UINT64_MAX);
}

bool
walk_next(struct walk *w, struct walk_unit *unit)
{
	for (;;) {
		if (take_known(w, unit))
			return true;
		if (w->next < w->wire->n) {
			if (take_segment(w, unit))
				return true;
		} else if (!take_last(w)) {
			return false;
		}
	}
}
