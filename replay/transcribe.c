#include "replay/transcribe.h"

#include <stdlib.h>

#include "replay/frame.h"
#include "replay/happenings.h"
#include "replay/line.h"
#include "replay/note.h"
#include "replay/print.h"
#include "replay/rows.h"
#include "replay/tls_rows.h"

/* The times of show -t: "   +0.000412 ". */
#define TIME_COLUMNS 12
static const char no_time[] = "             ";

struct transcriber {
	FILE *out;
	const struct transcribe_options *options;
	struct happenings events;
	int64_t told_us;		/* segment of the line before */
	enum smtp_side told_side;
	bool tls[2];			/* that side is in TLS, ours or not */
	struct text passes;		/* what is known of TLS that passes through */
	struct heap body, opaque;
	struct content *content;	/* of the message under way */
	struct line said;		/* of the unit under way */
	struct line body_line;		/* --data: one not yet whole */
};

static uint64_t
violations(void)
{
	uint64_t bits = 0;

	for (int i = 0; i < SMTP_ANOMALIES; i++)
		if (strcmp(smtp_anomaly((enum smtp_anomaly)i)->severity,
		    "notice") != 0)
			bits |= UINT64_C(1) << i;
	return bits;
}

static const char *
indent(const struct transcriber *t)
{
	return t->options->times ? no_time : "";
}

/* Everything that comes before a line: earlier events, its time. */
static void
begin_line(struct transcriber *t, enum smtp_side side, int64_t from_us)
{
	char time[TRANSCRIPT_TIME_MAX];
	size_t n;

	happenings_loose(&t->events, from_us, t->out, t->options->colored,
	    indent(t));
	if (!t->options->times)
		return;
	if ((from_us == t->told_us && side == t->told_side) || from_us < 0) {
		fputs(no_time, t->out);
		return;
	}
	t->told_us = from_us;
	t->told_side = side;
	n = transcript_time(from_us, time);
	fprintf(t->out, "%*.*s ", TIME_COLUMNS, (int)n, time);
}

static void
end_line(struct transcriber *t, uint64_t anomalies, int64_t from_us,
    int64_t t_us)
{
	happenings_at(&t->events, anomalies, from_us, t_us, t->out,
	    t->options->colored, indent(t));
}

/* Lines that differ in nothing but their text. */
static void
put_lines(struct transcriber *t, const struct transcript_line *how,
    struct span lines, int64_t from_us)
{
	while (lines.n) {
		size_t n = span_line(lines);

		begin_line(t, how->side, from_us);
		print_line(t->out, t->options->colored, how,
		    span_cut(&lines, n ? n : lines.n));
	}
}

/* As it was said, unless something else went on: then that too. */
static void
put_line(struct transcriber *t, struct line *line, struct transcript_line how)
{
	how.held = line_changed(line);
	put_lines(t, &how, text_all(&line->said), line->from_us);
	how.own = true;
	if (how.held)
		put_lines(t, &how, text_all(&line->sent), line->from_us);
	line_clear(line);
}

/* Put the whole lines of this unit; what is left of it stays in line. */
static void
put_pieces(struct transcriber *t, const struct walk_unit *u,
    struct line *line, const struct transcript_line *how)
{
	for (size_t i = 0; i < u->run.n; i++) {
		struct track_piece piece = u->run.pieces[i];

		while (piece.bytes.n) {
			if (line_empty(line))
				line->from_us = u->from_us;
			if (line_add(line, &piece))
				put_line(t, line, *how);
		}
	}
	if (line_whole(line))
		put_line(t, line, *how);
}

/* A unit that is a line. */
static void
put_said(struct transcriber *t, const struct walk_unit *u)
{
	struct transcript_line how = {
		.side = u->side, .tls = t->tls[u->side],
		.odd = (u->ev.anomalies & violations()) != 0,
	};

	put_pieces(t, u, &t->said, &how);
	put_line(t, &t->said, how);
	happenings_fired(&t->events, u->ev.raw, u->from_us, u->t_us, t->out,
	    t->options->colored, indent(t));
	end_line(t, u->ev.anomalies, u->from_us, u->t_us);
}

/* A line of our own has a time of its own, even in the midst of a segment. */
static void
put_own(struct transcriber *t, const struct walk_unit *u)
{
	struct transcript_line how = { .side = u->side, .own = true };

	t->told_us = -1;
	put_lines(t, &how, u->ev.raw, u->from_us);
}

static void
put_note(struct transcriber *t, const struct heap *h, const char *note)
{
	struct transcript_line how = heap_mark(h, violations());

	how.tls = t->tls[h->side];
	begin_line(t, h->side, h->from_us);
	print_note(t->out, t->options->colored, &how, note);
	end_line(t, h->anomalies, h->from_us, h->t_us);
}

static void
flush_opaque(struct transcriber *t)
{
	char note[NOTE_MAX];

	if (!t->opaque.open)
		return;
	t->opaque.open = false;
	note_octets(note, t->opaque.octets, t->tls[t->opaque.side] ? " opaque" : "");
	put_note(t, &t->opaque, note);
}

static void
need_content(struct transcriber *t)
{
	if (!t->content)
		t->content = content_new(true);
	if (!t->content)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
}

static void
forget_content(struct transcriber *t)
{
	content_free(t->content);
	t->content = NULL;
}

/* The content under way, or this chunk of it, is over. */
static void
end_body(struct transcriber *t, const struct walk_unit *u, bool whole)
{
	struct note_end end = { .chunk = u->ev.tile != SMTP_END_OF_DATA,
	    .whole = whole };
	char note[NOTE_MAX];

	end.last = !end.chunk || u->ev.verb == SMTP_BDAT_LAST;
	if (!t->body.open && end.chunk)
		return;
	if (!t->body.open)
		heap_add(&t->body, u);
	need_content(t);
	if (t->options->data) {
		put_line(t, &t->body_line,
		    (struct transcript_line){ .side = SMTP_CLIENT,
		    .tls = t->tls[SMTP_CLIENT] });
		end_line(t, t->body.anomalies, t->body.from_us, t->body.t_us);
		if (!end.chunk)
			put_said(t, u);
	} else {
		t->body.anomalies |= u->ev.anomalies;
		t->body.withheld |= u->run.withheld;
		note_body(note, &t->body, t->content, &end);
		put_note(t, &t->body, note);
	}
	t->body.open = false;
	if (end.last)
		forget_content(t);
}

/* The digest is that of what the server was given. */
static void
add_content(struct transcriber *t, const struct walk_unit *u)
{
	struct transcript_line plain = { .side = SMTP_CLIENT,
	    .tls = t->tls[SMTP_CLIENT] };

	need_content(t);
	for (size_t i = 0; i < u->run.n; i++)
		if (u->run.pieces[i].fate != TRACK_WITHHELD)
			content_put(t->content, u->run.pieces[i].bytes,
			    u->ev.verb == SMTP_DATA);
	heap_add(&t->body, u);
	if (t->options->data)
		put_pieces(t, u, &t->body_line, &plain);
	if (u->ev.verb != SMTP_DATA && u->ev.last)
		end_body(t, u, true);
}

/* "*** TLS with the client: TLSv1.3 TLS_AES_256_GCM_SHA384, 1.2 ms" */
static void
put_tls(struct transcriber *t, const struct walk_unit *u, const char *what,
    struct span words)
{
	begin_line(t, u->side, u->from_us);
	fprintf(t->out, "%s*** %s%s", print_ink(t->options->colored,
	    INK_EVENT), what, words.n ? ": " : "");
	(void)print_safe(t->out, words);
	fprintf(t->out, "%s\n", print_ink(t->options->colored, INK_PLAIN));
}

static void
put_tile(struct transcriber *t, const struct walk_unit *u)
{
	if (u->ev.tile == SMTP_OPAQUE && (t->tls[u->side] ||
	    u->ev.verb == SMTP_XEXCH50)) {
		if (t->opaque.open && t->opaque.side != u->side)
			flush_opaque(t);
		heap_add(&t->opaque, u);
		return;
	}
	flush_opaque(t);
	switch (u->ev.tile) {
	case SMTP_CONTENT:
		add_content(t, u);
		break;
	case SMTP_END_OF_DATA:
		end_body(t, u, true);
		break;
	default:
		put_said(t, u);
		break;
	}
	if (u->ev.fact == SMTP_FACT_DATA_BEGINS ||
	    u->ev.fact == SMTP_FACT_TX_BEGUN)
		forget_content(t);
	if (u->ev.fact == SMTP_FACT_TLS_BEGINS && u->fate == TAP_FORWARDED) {
		t->tls[SMTP_CLIENT] = t->tls[SMTP_SERVER] = true;
		put_tls(t, u, "TLS passes through", text_all(&t->passes));
	}
}

static void
put_gap(struct transcriber *t, const struct walk_unit *u, bool in_content)
{
	char note[NOTE_MAX];
	struct heap h = { .side = u->side, .from_us = u->from_us,
	    .t_us = u->t_us };

	if (in_content && u->side == SMTP_CLIENT && !t->options->data) {
		uint64_t octets = t->body.open ? t->body.octets : 0;

		heap_add(&t->body, u);
		t->body.octets = octets;
		t->body.missing += u->octets;
		return;
	}
	note_octets(note, u->octets, " not recorded");
	put_note(t, &h, note);
}

static void
put_end(struct transcriber *t, const struct walk_unit *u)
{
	if (u->what == WALK_FIN && !t->options->times)
		return;
	begin_line(t, u->side, u->from_us);
	fprintf(t->out, "%s=== %s %s%s\n",
	    print_ink(t->options->colored, INK_FRAME),
	    u->side == SMTP_CLIENT ? "client" : "server",
	    u->what == WALK_FIN ? "ends" : "resets",
	    print_ink(t->options->colored, INK_PLAIN));
}

static void
put_unit(struct transcriber *t, const struct walk *walk,
    const struct walk_unit *u)
{
	if (u->what != WALK_TILE && u->what != WALK_HEARD)
		flush_opaque(t);
	switch (u->what) {
	case WALK_HEARD:
		break;
	case WALK_TILE:
		put_tile(t, u);
		break;
	case WALK_OWN:
		put_own(t, u);
		break;
	case WALK_GAP:
		put_gap(t, u, walk->gap.in_data || t->body.open);
		break;
	case WALK_SECURED:
		put_tls(t, u, transcript_secured(u->side), u->ev.raw);
		t->tls[u->side] = true;
		break;
	case WALK_FIN:
	case WALK_RESET:
		put_end(t, u);
		break;
	}
}

bool
transcribe(FILE *out, struct store *store, int64_t session,
    const struct transcribe_options *options, char error[RECORD_ERROR_MAX])
{
	struct transcriber t = { .out = out, .options = options,
	    .told_us = -1 };
	sqlite3_stmt *row;
	struct store_wire wire;
	struct walk walk;
	struct walk_unit unit;
	bool whole = store_wire(store, session, &wire, error);

	happenings_load(&t.events, store, session);
	tls_rows_opaque(&t.passes, store, session);
	row = rows_of(store, SQL_SESSION_ROW, session);
	if (rows_next(row))
		frame_head(out, options->colored, row, false);
	walk_open(&walk, &wire);
	while (walk_next(&walk, &unit))
		put_unit(&t, &walk, &unit);
	flush_opaque(&t);
	unit = (struct walk_unit){ .ev.tile = SMTP_CONTENT };
	end_body(&t, &unit, false);
	happenings_before(&t.events, INT64_MAX, out, options->colored,
	    indent(&t));
	frame_tail(out, options->colored, row, options->times ? 6 : 3);
	sqlite3_reset(row);
	walk_close(&walk);
	store_wire_free(&wire);
	forget_content(&t);
	text_free(&t.passes);
	line_free(&t.said);
	line_free(&t.body_line);
	happenings_free(&t.events);
	return whole;
}
