#include "replay/lossless.h"

#include <inttypes.h>

#include "replay/frame.h"
#include "replay/happenings.h"
#include "replay/order.h"
#include "replay/print.h"
#include "replay/rows.h"

struct writer {
	FILE *out;
	struct happenings events;
	bool open;		/* a line of text is not ended */
	const char *mark;	/* of it */
	bool tls[2];		/* that side has come to TLS */
	bool goes_on;		/* its segment has more behind these bytes */
};

static void
put_time(FILE *out, int64_t t_us)
{
	char text[TRANSCRIPT_TIME_MAX];
	size_t n = transcript_time(t_us > 0 ? t_us : 0, text);

	(void)fwrite(text, 1, n, out);
}

/* The text line is left where the wire's line is not. */
static void
break_line(struct writer *w)
{
	if (w->open)
		fputs("\\c\n", w->out);
	w->open = false;
}

static void
put_escaped(FILE *out, struct span s, bool front)
{
	char text[1024];

	for (; s.n; front = false)
		(void)fwrite(text, 1, transcript_escape(&s, front, text,
		    sizeof(text)), out);
}

static const char *
mark_of(const struct writer *w, const struct store_segment *seg)
{
	struct transcript_line how = { .side = seg->side,
	    .tls = w->tls[seg->side],
	    .own = seg->kind == WIRE_OWN || seg->kind == WIRE_MADE,
	    .held = seg->kind == WIRE_WITHHELD ||
		seg->kind == WIRE_WITHHELD_REDACTED };

	return transcript_mark(&how);
}

/* A line of text, or of one that is open, the next segment. begins: with a
 * time. */
static void
begin_piece(struct writer *w, const struct store_segment *seg, bool begins)
{
	if (w->open && begins) {
		fputs("\\{", w->out);
		put_time(w->out, seg->t_us);
		fputc('}', w->out);
	} else if (!w->open) {
		if (begins) {
			put_time(w->out, seg->t_us);
			fputc(' ', w->out);
		}
		fputs(w->mark, w->out);
	}
}

/* A line, or a part of one that is its end or the segment's. begins: with it,
 * its segment. */
static void
put_piece(struct writer *w, const struct store_segment *seg, struct span piece,
    bool begins)
{
	bool lf = piece.p[piece.n - 1] == '\n';
	bool front = !w->open, blank;

	begin_piece(w, seg, begins);
	/* the CR may be the segment before's: then LF stands alone here */
	if (piece.n >= 2 && piece.p[piece.n - 2] == '\r' && lf)
		piece.n -= 2;
	/* a blank is escaped where the text ends, and it may go on here */
	blank = piece.n && piece.p[piece.n - 1] == ' ' && w->goes_on;
	piece.n -= blank;
	put_escaped(w->out, piece, front);
	if (blank)
		fputc(' ', w->out);
	if (lf)
		fputc('\n', w->out);
	w->open = !lf;
}

/* more: the next bytes go on the line these end in. */
static void
put_bytes(struct writer *w, const struct store_segment *seg, bool begins,
    bool more)
{
	struct span s = seg->bytes;

	w->mark = mark_of(w, seg);
	for (; s.n; begins = false) {
		size_t n = span_line(s);

		w->goes_on = more && (n == 0 || n == s.n);
		put_piece(w, seg, span_cut(&s, n ? n : s.n), begins);
	}
}

/* What was made in front of a segment's first octet, or behind a line of our
 * own in it: without a time it would stand behind what came before, with one it
 * would be a line of our own. So the segment begins with an empty line. */
static void
begin_with_nothing(struct writer *w, const struct store_segment *seg)
{
	const struct store_segment nothing = { .side = seg->side,
	    .t_us = seg->t_us };

	w->mark = mark_of(w, &nothing);
	begin_piece(w, &nothing, true);
	w->open = true;
	break_line(w);
}

/* "*** TLS with the client: TLSv1.3 ..." */
static void
put_secured(struct writer *w, const struct store_segment *seg)
{
	fprintf(w->out, " *** %s%s", transcript_secured(seg->side),
	    seg->bytes.n ? ": " : "");
	(void)print_safe(w->out, seg->bytes);
	fputc('\n', w->out);
	w->tls[seg->side] = true;
}

static void
put_mark(struct writer *w, const struct store_segment *seg)
{
	struct transcript_line how = { .side = seg->side,
	    .tls = w->tls[seg->side] };

	put_time(w->out, seg->t_us);
	if (seg->kind == WIRE_SECURED)
		put_secured(w, seg);
	else if (seg->kind == WIRE_GAP)
		fprintf(w->out, " %s[%" PRIu64 " bytes not recorded]\n",
		    transcript_mark(&how), seg->octets);
	else
		fprintf(w->out, " === %s %s\n",
		    seg->side == SMTP_CLIENT ? "client" : "server",
		    seg->kind == WIRE_FIN ? "ends" : "resets");
}

static bool
has_bytes(enum wire_kind kind)
{
	return kind == WIRE_OWN || kind == WIRE_MADE ||
	    (wire_is_stream(kind) && kind != WIRE_GAP);
}

/* The next segment goes on the line this one ends in. */
static bool
goes_on(const struct writer *w, const struct store_wire *wire, size_t i)
{
	const struct store_segment *seg = &wire->segments[i];

	return i + 1 < wire->n && seg[1].same_segment &&
	    has_bytes(seg[1].kind) && mark_of(w, &seg[0]) == mark_of(w, &seg[1]);
}

static void
put_segment(struct writer *w, const struct store_wire *wire, size_t i)
{
	const struct store_segment *seg = &wire->segments[i];
	bool bytes = has_bytes(seg->kind);
	bool begins = !seg->same_segment || seg->kind == WIRE_OWN;

	if (w->open && (!bytes || mark_of(w, seg) != w->mark))
		break_line(w);
	if (!w->open)
		happenings_before(&w->events, seg->t_us, w->out, false, "");
	if (seg->kind == WIRE_MADE && (begins || seg[-1].kind == WIRE_OWN)) {
		break_line(w);
		begin_with_nothing(w, seg);
		begins = false;
	}
	if (bytes)
		put_bytes(w, seg, begins, goes_on(w, wire, i));
	else
		put_mark(w, seg);
}

static void
put_wire(struct writer *w, const struct store_wire *wire)
{
	order_print(w->out, wire);
	for (size_t i = 0; i < wire->n; i++)
		put_segment(w, wire, i);
	break_line(w);
}

void
lossless_wire(FILE *out, const struct store_wire *wire)
{
	struct writer w = { .out = out };

	put_wire(&w, wire);
}

bool
lossless(FILE *out, struct store *store, int64_t session,
    char error[RECORD_ERROR_MAX])
{
	struct writer w = { .out = out };
	struct store_wire wire;
	bool whole = store_wire(store, session, &wire, error);
	sqlite3_stmt *row;

	happenings_load(&w.events, store, session);
	w.events.timed = true;
	row = rows_of(store, SQL_SESSION_ROW, session);
	if (rows_next(row))
		frame_head(out, false, row, true);
	put_wire(&w, &wire);
	happenings_before(&w.events, INT64_MAX, out, false, "");
	frame_tail(out, false, row, 6);
	sqlite3_reset(row);
	store_wire_free(&wire);
	happenings_free(&w.events);
	return whole;
}
