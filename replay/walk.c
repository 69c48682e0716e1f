#include "replay/walk.h"

#include <stdlib.h>

#include "replay/print.h"

/* How often both sides are asked after the last segment: the first time tells
 * each that the other is gone, then nobody waits any longer. */
#define LAST_CALLS 2

void
walk_open(struct walk *w, const struct store_wire *wire)
{
	*w = (struct walk){ .wire = wire };
	smtp_start(&w->smtp);
}

void
walk_close(struct walk *w)
{
	text_free(&w->sides[SMTP_CLIENT].bytes);
	text_free(&w->sides[SMTP_SERVER].bytes);
}

/* Kinds whose bytes the engine reads. */
static bool
is_spoken(enum wire_kind kind)
{
	return kind == WIRE_BYTES || kind == WIRE_REDACTED;
}

/* Go to the next segment of this side that has octets left. */
static void
seek(const struct walk *w, enum smtp_side side, struct walk_side *s)
{
	while (!s->left && s->segment < w->wire->n) {
		const struct store_segment *seg;

		seg = &w->wire->segments[s->segment];
		if (seg->side == side && is_spoken(seg->kind))
			s->left = seg->bytes.n;
		if (!s->left)
			s->segment++;
	}
}

/* n octets of this side are cut off: when the first and the last of them came. */
static void
date(const struct walk *w, enum smtp_side side, size_t n,
    struct walk_unit *unit)
{
	struct walk_side s = w->sides[side];

	seek(w, side, &s);
	if (s.segment < w->wire->n)
		unit->from_us = w->wire->segments[s.segment].t_us;
	unit->t_us = unit->from_us;
	while (n > 0 && s.segment < w->wire->n) {
		size_t piece = n < s.left ? n : s.left;

		unit->t_us = w->wire->segments[s.segment].t_us;
		n -= piece;
		s.left -= piece;
		if (!s.left)
			s.segment++;
		seek(w, side, &s);
	}
}

static void
advance(struct walk *w, enum smtp_side side, size_t n)
{
	struct walk_side *s = &w->sides[side];

	s->cut += n;
	while (n > 0 && s->segment < w->wire->n) {
		size_t piece;

		seek(w, side, s);
		piece = n < s->left ? n : s->left;
		n -= piece;
		s->left -= piece;
		if (!s->left)
			s->segment++;
	}
}

/* Octets that BDAT or XEXCH50 announces. */
static uint64_t
announced(struct span argument)
{
	struct span size = span_word(&argument);
	uint64_t n = 0;

	for (size_t i = 0; i < size.n; i++) {
		if (size.p[i] < '0' || size.p[i] > '9' ||
		    n > (UINT64_MAX - 9) / 10)
			return 0;
		n = n * 10 + (uint64_t)(size.p[i] - '0');
	}
	return n;
}

/* Keep up with where in the client's stream the engine is, for gaps. */
static void
follow(struct walk *w, const struct smtp_event *ev)
{
	bool chunk = ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST;

	if (ev->tile == SMTP_COMMAND && chunk)
		w->counted_left = ev->last ? 0 : announced(ev->text);
	if (ev->tile == SMTP_COMMAND && ev->verb == SMTP_XEXCH50)
		w->announced = announced(ev->text);
	if ((ev->tile == SMTP_CONTENT && chunk) ||
	    (ev->tile == SMTP_OPAQUE && ev->verb == SMTP_XEXCH50))
		w->counted_left = ev->last || ev->raw.n > w->counted_left ? 0 :
		    w->counted_left - ev->raw.n;
	if (ev->fact == SMTP_FACT_DATA_BEGINS) {
		w->in_data = ev->verb == SMTP_DATA;
		w->counted_left = w->in_data ? 0 : w->announced;
	}
	if (ev->tile == SMTP_END_OF_DATA)
		w->in_data = w->holed = false;
}

/* A unit of this side, if the engine can tell one. */
static bool
cut_unit(struct walk *w, enum smtp_side side, struct walk_unit *unit)
{
	struct walk_side *s = &w->sides[side];
	struct span in = span_from(text_all(&s->bytes), s->cut);

	if (smtp_next(&w->smtp, side, &in, &unit->ev) != SMTP_EVENT)
		return false;
	unit->what = WALK_TILE;
	unit->side = side;
	unit->octets = unit->ev.raw.n;
	date(w, side, unit->ev.raw.n, unit);
	advance(w, side, unit->ev.raw.n);
	follow(w, &unit->ev);
	return true;
}

/* Feed the engine what it must have seen where nothing was recorded. */
static void
pretend(struct walk *w, struct span bytes)
{
	struct smtp_event ev;

	while (smtp_next(&w->smtp, SMTP_CLIENT, &bytes, &ev) == SMTP_EVENT)
		follow(w, &ev);
}

static bool
all_cut(const struct walk_side *s)
{
	return s->cut == s->bytes.n;
}

/* A gap in counted octets is counted off; one in DATA content needs no filling. */
static void
cross_gap(struct walk *w, uint64_t octets)
{
	static const char filler[4096];

	w->holed |= w->in_data;
	while (octets > 0 && w->counted_left > 0 &&
	    all_cut(&w->sides[SMTP_CLIENT])) {
		uint64_t n = sizeof(filler);

		n = octets < n ? octets : n;
		n = w->counted_left < n ? w->counted_left : n;
		pretend(w, (struct span){ filler, (size_t)n });
		octets -= n;
	}
}

/* The server answers, so the end of data was in the gap. */
static void
end_holed_data(struct walk *w)
{
	if (w->holed && all_cut(&w->sides[SMTP_CLIENT]))
		pretend(w, SPAN("\r\n.\r\n"));
}

static void
hear(struct walk *w, enum smtp_side side, struct span bytes)
{
	struct walk_side *s = &w->sides[side];

	if (side == SMTP_SERVER)
		end_holed_data(w);
	if (all_cut(s) || s->cut > SMTP_LINE_MAX) {
		s->bytes.n -= s->cut;
		if (s->bytes.n)
			memmove(s->bytes.p, s->bytes.p + s->cut, s->bytes.n);
		s->cut = 0;
	}
	text_span(&s->bytes, bytes);
	if (s->bytes.failed)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	w->turn = side;
}

/* Take the next segment. True: it is a unit by itself. */
static bool
take_segment(struct walk *w, struct walk_unit *unit)
{
	const struct store_segment *seg = &w->wire->segments[w->next++];

	*unit = (struct walk_unit){
		.side = seg->side, .from_us = seg->t_us, .t_us = seg->t_us,
		.octets = seg->octets,
	};
	switch (seg->kind) {
	case WIRE_BYTES:
	case WIRE_REDACTED:
	case WIRE_WITHHELD:
	case WIRE_WITHHELD_REDACTED:
		hear(w, seg->side, seg->bytes);
		unit->what = WALK_HEARD;
		return true;
	case WIRE_GAP:
		if (seg->side == SMTP_CLIENT)
			cross_gap(w, seg->octets);
		unit->what = WALK_GAP;
		return true;
	case WIRE_OWN:
		unit->what = WALK_OWN;
		unit->ev.raw = seg->bytes;
		unit->ev.side = seg->side;
		return true;
	case WIRE_FIN:
	case WIRE_RESET:
		smtp_end(&w->smtp, seg->side);
		unit->what = seg->kind == WIRE_FIN ? WALK_FIN : WALK_RESET;
		return true;
	case WIRE_MADE:
	case WIRE_KINDS:
		break;
	}
	return false;
}

bool
walk_next(struct walk *w, struct walk_unit *unit)
{
	for (;;) {
		enum smtp_side other = w->turn == SMTP_CLIENT ? SMTP_SERVER :
		    SMTP_CLIENT;

		*unit = (struct walk_unit){ .what = WALK_TILE };
		if (cut_unit(w, w->turn, unit) || cut_unit(w, other, unit))
			return true;
		if (w->next < w->wire->n) {
			if (take_segment(w, unit))
				return true;
		} else if (w->last_calls < LAST_CALLS) {
			w->last_calls++;
			smtp_end(&w->smtp, SMTP_CLIENT);
			smtp_end(&w->smtp, SMTP_SERVER);
		} else {
			return false;
		}
	}
}
