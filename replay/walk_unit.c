/* walk_unit: what one side said next, and what became of it (walk.h). */
#include "replay/walk_part.h"

#include <stdlib.h>

#include "replay/print.h"

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

/* The server can only answer what it was sent. */
static void
tell_fate(struct walk *w, const struct walk_unit *unit)
{
	enum smtp_tile tile = unit->ev.tile;

	if (unit->fate == TAP_WITHHELD && (tile == SMTP_COMMAND ||
	    tile == SMTP_CREDENTIAL || tile == SMTP_END_OF_DATA))
		smtp_withdraw(&w->smtp, &unit->ev);
	if (unit->fate == TAP_EDITED && tile == SMTP_COMMAND &&
	    handshakes_verb(unit->sent) == SMTP_UNKNOWN)
		smtp_disguise(&w->smtp, &unit->ev);
	if (tile == SMTP_COMMAND)
		handshakes_command(&w->handshakes, unit->ev.verb);
	if (tile == SMTP_REPLY)
		handshakes_reply(&w->handshakes, &w->smtp, &unit->ev,
		    unit->fate == TAP_WITHHELD, w->next);
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

/* It was this side that was understood next. If not, its bytes were looked at
 * all the same, which the engine may have noted, or a policy kept it from that:
 * then they would have been a unit. */
static bool
is_turn(struct walk *w, enum smtp_side side, struct span in)
{
	struct smtp_session smtp;
	struct smtp_event ev;

	if (turns_let(&w->order, side))
		return true;
	smtp = w->smtp;
	if (in.n > SMTP_LINE_MAX)	/* it may be looked at often */
		in.n = SMTP_LINE_MAX;
	if (smtp_next(&smtp, side, &in, &ev) != SMTP_EVENT)
		w->smtp = smtp;
	return false;
}

/* So many octets at the front of what that side said are told. */
static void
count_off(struct walk *w, enum smtp_side side, size_t n)
{
	w->sides[side].cut += n;
	w->sides[side].done += n;
	turns_done(&w->order, side, n);
}

bool
walk_cut(struct walk *w, enum smtp_side side, struct walk_unit *unit)
{
	struct walk_side *s = &w->sides[side];
	struct span in = span_from(text_all(&s->bytes), s->cut);

	if (side == SMTP_CLIENT &&
	    handshakes_hold_client(&w->handshakes, &w->smtp))
		return false;
	if (!is_turn(w, side, in))
		return false;
	if (smtp_next(&w->smtp, side, &in, &unit->ev) != SMTP_EVENT &&
	    (side != SMTP_CLIENT || !knows_better(w) ||
	    smtp_next(&w->smtp, side, &in, &unit->ev) != SMTP_EVENT))
		return false;
	unit->side = side;
	unit->octets = unit->ev.raw.n;
	count_off(w, side, unit->ev.raw.n);
	take_fate(w, unit);
	gap_follow(&w->gap, &unit->ev);
	tell_fate(w, unit);
	return true;
}

bool
walk_drop_clear(struct walk *w, enum smtp_side side, struct walk_unit *unit)
{
	struct walk_side *s = &w->sides[side];
	struct span rest = span_from(text_all(&s->bytes), s->cut);

	if (rest.n == 0)
		return false;
	*unit = (struct walk_unit){ .what = WALK_TILE, .side = side,
	    .octets = rest.n };
	unit->ev = (struct smtp_event){ .tile = SMTP_OPAQUE, .side = side,
	    .anomalies = SMTP_ODD(STARTTLS_INJECTION), .raw = rest };
	count_off(w, side, rest.n);
	take_fate(w, unit);
	return true;
}
