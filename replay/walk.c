#include "replay/walk.h"

#include <stdlib.h>

#include "replay/print.h"

/* How often both sides are asked after the last segment: the first time tells
 * each that the other is gone, then nobody waits any longer. */
#define LAST_CALLS 2

void
walk_open(struct walk *w, const struct store_wire *wire)
{
	*w = (struct walk){ .wire = wire, .heard_us = -1 };
	smtp_start(&w->smtp);
	for (int side = 0; side < 2; side++)
		track_open(&w->sides[side].track, wire, (enum smtp_side)side);
}

void
walk_close(struct walk *w)
{
	for (int side = 0; side < 2; side++) {
		text_free(&w->sides[side].bytes);
		track_close(&w->sides[side].track);
	}
	text_free(&w->sent);
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

/* What became of the unit: its pieces, and what the other side was given. */
static void
take_fate(struct walk *w, struct walk_unit *unit)
{
	const struct track_run *run = &unit->run;
	bool passed = false;

	track_take(&w->sides[unit->side].track, unit->ev.raw, &unit->run);
	unit->from_us = run->from_us;
	unit->t_us = run->t_us;
	unit->sent = unit->ev.raw;
	if (!run->withheld && !run->made)
		return;
	text_clear(&w->sent);
	for (size_t i = 0; i < run->n; i++) {
		passed |= run->pieces[i].fate == TRACK_PASSED;
		if (run->pieces[i].fate != TRACK_WITHHELD)
			text_span(&w->sent, run->pieces[i].bytes);
	}
	if (w->sent.failed)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	unit->fate = passed || run->made ? TAP_EDITED : TAP_WITHHELD;
	unit->sent = text_all(&w->sent);
}

/* The server was sent a line in which it will know no verb. */
static bool
is_disguised(const struct walk_unit *unit)
{
	struct smtp_session server;
	struct span sent = unit->sent;
	struct smtp_event as;

	smtp_start(&server);
	return smtp_next(&server, SMTP_CLIENT, &sent, &as) == SMTP_EVENT &&
	    as.verb == SMTP_UNKNOWN;
}

/* The server can only answer what it was sent. */
static void
tell_fate(struct walk *w, const struct walk_unit *unit)
{
	enum smtp_tile tile = unit->ev.tile;

	if (unit->fate == TAP_WITHHELD && (tile == SMTP_COMMAND ||
	    tile == SMTP_CREDENTIAL || tile == SMTP_END_OF_DATA))
		smtp_withdraw(&w->smtp, &unit->ev);
	if (unit->fate == TAP_EDITED && tile == SMTP_COMMAND &&
	    is_disguised(unit))
		smtp_disguise(&w->smtp, &unit->ev);
	/* a condition of the policy may hold for one message only */
	if (unit->ev.fact == SMTP_FACT_DATA_BEGINS)
		smtp_strict(&w->smtp, w->strict = false);
}

/* The engine waits to see what the server took a lookalike of the end of data
 * for. If the server was not given the lookalike, it never had the choice. */
static bool
knows_better(struct walk *w)
{
	const struct walk_side *s = &w->sides[SMTP_CLIENT];
	size_t n = span_line(span_from(text_all(&s->bytes), s->cut));

	if (!smtp_doubts_content(&w->smtp) || w->strict ||
	    !track_changes(&s->track, n))
		return false;
	smtp_strict(&w->smtp, w->strict = true);
	return true;
}

/* A unit of this side, if the engine can tell one. */
static bool
cut_unit(struct walk *w, enum smtp_side side, struct walk_unit *unit)
{
	struct walk_side *s = &w->sides[side];
	struct span in = span_from(text_all(&s->bytes), s->cut);

	if (smtp_next(&w->smtp, side, &in, &unit->ev) != SMTP_EVENT &&
	    (side != SMTP_CLIENT || !knows_better(w) ||
	    smtp_next(&w->smtp, side, &in, &unit->ev) != SMTP_EVENT))
		return false;
	unit->what = WALK_TILE;
	unit->side = side;
	unit->octets = unit->ev.raw.n;
	s->cut += unit->ev.raw.n;
	take_fate(w, unit);
	follow(w, &unit->ev);
	tell_fate(w, unit);
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

/* Octets of the segment that begins here: a line of our own may have been sent
 * in the midst of it. */
static uint64_t
octets_of(const struct store_wire *wire, size_t i)
{
	const struct store_segment *first = &wire->segments[i];
	uint64_t octets = 0;

	for (; i < wire->n && wire->segments[i].t_us == first->t_us &&
	    wire->segments[i].side == first->side; i++)
		if (wire_is_stream(wire->segments[i].kind))
			octets += wire->segments[i].bytes.n;
	return octets;
}

/* All of a segment that came before a line of our own. True: it begins here. */
static bool
take_bytes(struct walk *w, struct walk_unit *unit)
{
	const struct store_segment *seg = &w->wire->segments[w->next - 1];
	const struct store_segment *end = w->wire->segments + w->wire->n;
	bool begins = seg->t_us != w->heard_us;

	w->heard_us = seg->t_us;
	unit->what = WALK_HEARD;
	unit->octets = octets_of(w->wire, w->next - 1);
	hear(w, seg->side, seg->bytes);
	while (++seg < end && seg->same_segment && seg->kind != WIRE_GAP &&
	    seg->kind != WIRE_OWN) {
		if (wire_is_stream(seg->kind))
			hear(w, seg->side, seg->bytes);
		w->next++;
	}
	return begins;
}

/* A line of our own of the segment taken last. */
static bool
take_own(struct walk *w, struct walk_unit *unit)
{
	const struct store_segment *seg;
	size_t n = span_line(w->own);

	if (!w->own.n)
		return false;
	seg = &w->wire->segments[w->next - 1];
	*unit = (struct walk_unit){ .what = WALK_OWN, .side = seg->side,
	    .from_us = seg->t_us, .t_us = seg->t_us };
	unit->ev.side = seg->side;
	unit->ev.raw = span_cut(&w->own, n ? n : w->own.n);
	unit->octets = unit->ev.raw.n;
	return true;
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
		return take_bytes(w, unit);
	case WIRE_GAP:
		if (seg->side == SMTP_CLIENT)
			cross_gap(w, seg->octets);
		unit->what = WALK_GAP;
		return true;
	case WIRE_OWN:
		w->own = seg->bytes;
		return false;
	case WIRE_FIN:
	case WIRE_RESET:
		smtp_end(&w->smtp, seg->side);
		unit->what = seg->kind == WIRE_FIN ? WALK_FIN : WALK_RESET;
		return true;
	case WIRE_MADE:		/* told with the octet it belongs to */
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
		if (cut_unit(w, w->turn, unit) || cut_unit(w, other, unit) ||
		    take_own(w, unit))
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
