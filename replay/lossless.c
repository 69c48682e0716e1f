#include "replay/lossless.h"

#include <inttypes.h>

#include "replay/frame.h"
#include "replay/happenings.h"
#include "replay/print.h"
#include "replay/rows.h"

struct writer {
	FILE *out;
	struct happenings events;
	bool open;		/* a line of text is not ended */
	enum smtp_side side;	/* of it */
	bool own;
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

/* A line, or a part of one that is its end or the segment's. begins: with it,
 * its segment. */
static void
put_piece(struct writer *w, const struct store_segment *seg, struct span piece,
    bool begins)
{
	bool lf = piece.p[piece.n - 1] == '\n';
	bool front = !w->open, blank;
	struct transcript_line how = { .side = seg->side,
	    .own = seg->kind == WIRE_OWN };

	if (w->open && begins) {
		fputs("\\{", w->out);
		put_time(w->out, seg->t_us);
		fputc('}', w->out);
	} else if (!w->open) {
		if (begins) {
			put_time(w->out, seg->t_us);
			fputc(' ', w->out);
		}
		fputs(transcript_mark(&how), w->out);
	}
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
	w->side = seg->side;
	w->own = how.own;
}

/* more: the next bytes are of the same segment. */
static void
put_bytes(struct writer *w, const struct store_segment *seg, bool more)
{
	struct span s = seg->bytes;
	bool begins = !seg->same_segment;

	for (; s.n; begins = false) {
		size_t n = span_line(s);

		w->goes_on = more && (n == 0 || n == s.n);
		put_piece(w, seg, span_cut(&s, n ? n : s.n), begins);
	}
}

static void
put_mark(struct writer *w, const struct store_segment *seg)
{
	struct transcript_line how = { .side = seg->side };

	put_time(w->out, seg->t_us);
	if (seg->kind == WIRE_GAP)
		fprintf(w->out, " %s[%" PRIu64 " bytes not recorded]\n",
		    transcript_mark(&how), seg->octets);
	else
		fprintf(w->out, " === %s %s\n",
		    seg->side == SMTP_CLIENT ? "client" : "server",
		    seg->kind == WIRE_FIN ? "ends" : "resets");
}

static void
put_segment(struct writer *w, const struct store_segment *seg, bool more)
{
	bool bytes = seg->kind == WIRE_BYTES || seg->kind == WIRE_REDACTED ||
	    seg->kind == WIRE_OWN;

	if (w->open && (!bytes || seg->side != w->side ||
	    (seg->kind == WIRE_OWN) != w->own))
		break_line(w);
	if (!w->open)
		happenings_before(&w->events, seg->t_us, w->out, false, "");
	if (bytes)
		put_bytes(w, seg, more);
	else
		put_mark(w, seg);
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
	row = rows_of(store, SQL_SESSION_ROW, session);
	if (rows_next(row))
		frame_head(out, false, row, true);
	for (size_t i = 0; i < wire.n; i++)
		put_segment(&w, &wire.segments[i], i + 1 < wire.n &&
		    wire.segments[i + 1].same_segment);
	break_line(&w);
	happenings_before(&w.events, INT64_MAX, out, false, "");
	frame_tail(out, false, row, 6);
	sqlite3_reset(row);
	store_wire_free(&wire);
	happenings_free(&w.events);
	return whole;
}
