#include "replay/transcribe.h"

#include <stdlib.h>

#include "record/content.h"
#include "replay/frame.h"
#include "replay/happenings.h"
#include "replay/print.h"
#include "replay/rows.h"
#include "replay/walk.h"

/* The times of show -t: "   +0.000412 ". */
#define TIME_COLUMNS 12
static const char no_time[] = "             ";

/* Several units that make one line: mail content, or opaque octets. */
struct heap {
	bool open;
	enum smtp_side side;
	int64_t from_us, t_us;
	uint64_t octets, missing;
	uint64_t anomalies;
};

struct transcriber {
	FILE *out;
	const struct transcribe_options *options;
	struct happenings events;
	int64_t told_us;		/* segment of the line before */
	enum smtp_side told_side;
	bool tls;
	struct heap body, opaque;
	struct content *content;	/* of the message under way */
	struct text line;		/* --data: a line not yet whole */
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

static void
put_line(struct transcriber *t, const struct walk_unit *u, bool own)
{
	struct transcript_line how = {
		.side = u->side, .own = own, .tls = t->tls && !own,
		.odd = (u->ev.anomalies & violations()) != 0,
	};

	begin_line(t, u->side, u->from_us);
	print_line(t->out, t->options->colored, &how, u->ev.raw);
	end_line(t, u->ev.anomalies, u->from_us, u->t_us);
}

static void
put_note(struct transcriber *t, const struct heap *h, const char *note)
{
	struct transcript_line how = {
		.side = h->side, .tls = t->tls,
		.odd = (h->anomalies & violations()) != 0,
	};

	begin_line(t, h->side, h->from_us);
	print_note(t->out, t->options->colored, &how, note);
	end_line(t, h->anomalies, h->from_us, h->t_us);
}

static void
heap_add(struct heap *h, const struct walk_unit *u)
{
	if (!h->open)
		*h = (struct heap){ .open = true, .side = u->side,
		    .from_us = u->from_us };
	h->t_us = u->t_us;
	h->octets += u->octets;
	h->anomalies |= u->ev.anomalies;
}

static void
flush_opaque(struct transcriber *t)
{
	char n[32], note[64];

	if (!t->opaque.open)
		return;
	t->opaque.open = false;
	(void)snprintf(note, sizeof(note), "[%s bytes%s]",
	    print_grouped(n, t->opaque.octets), t->tls ? " opaque" : "");
	put_note(t, &t->opaque, note);
}

static void
print_digest(char *out, size_t room, struct content *content)
{
	unsigned char sha256[32];
	int used = snprintf(out, room, " sha256 ");

	content_digest(content, sha256);
	for (size_t i = 0; i < sizeof(sha256); i++)
		used += snprintf(out + used, room - (size_t)used, "%02x",
		    sha256[i]);
}

/* What --data prints of content: its whole lines. */
static void
put_body_lines(struct transcriber *t, bool rest)
{
	struct span s = text_all(&t->line);
	struct transcript_line how = { .side = SMTP_CLIENT };
	size_t n;

	while ((n = span_line(s)) > 0 || (rest && (n = s.n) > 0)) {
		begin_line(t, SMTP_CLIENT, t->body.from_us);
		print_line(t->out, t->options->colored, &how,
		    span_cut(&s, n));
	}
	if (s.n)
		memmove(t->line.p, s.p, s.n);
	t->line.n = s.n;
}

/* "[1,482 bytes sha256 ...]". Of a message in chunks the last one tells the
 * digest of the whole. */
static void
put_body_note(struct transcriber *t, bool chunk, bool last, bool whole)
{
	char n[32], of[32], note[192] = "", more[128] = "";
	uint64_t size = chunk ? t->body.octets : t->content->size;

	if (t->body.missing)
		(void)snprintf(more, sizeof(more), ", %s of them not recorded",
		    print_grouped(of, t->body.missing));
	else if (!whole)
		(void)snprintf(more, sizeof(more), " unfinished");
	else if (last && t->content->size == size)
		print_digest(more, sizeof(more), t->content);
	else if (last) {
		int used = snprintf(more, sizeof(more), "; all %s",
		    print_grouped(of, t->content->size));

		print_digest(more + used, sizeof(more) - (size_t)used,
		    t->content);
	}
	(void)snprintf(note, sizeof(note), "[%s bytes%s]",
	    print_grouped(n, size + t->body.missing), more);
	put_note(t, &t->body, note);
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
	bool data = u->ev.tile == SMTP_END_OF_DATA;
	bool last = data || u->ev.verb == SMTP_BDAT_LAST;

	if (!t->body.open && !data)
		return;
	if (!t->body.open)
		heap_add(&t->body, u);
	if (!t->content)
		t->content = content_new(true);
	if (!t->content)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	if (t->options->data) {
		put_body_lines(t, true);
		if (data)
			put_line(t, u, false);
		else
			end_line(t, t->body.anomalies, t->body.from_us,
			    t->body.t_us);
	} else {
		t->body.anomalies |= u->ev.anomalies;
		put_body_note(t, !data, last, whole);
	}
	t->body.open = false;
	if (last)
		forget_content(t);
}

static void
add_content(struct transcriber *t, const struct walk_unit *u)
{
	if (!t->content)
		t->content = content_new(true);
	if (!t->content)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	content_put(t->content, u->ev.raw, u->ev.verb == SMTP_DATA);
	heap_add(&t->body, u);
	if (t->options->data) {
		if (!t->line.n)
			t->body.from_us = u->from_us;
		text_span(&t->line, u->ev.raw);
		put_body_lines(t, false);
	}
	if (u->ev.verb != SMTP_DATA && u->ev.last)
		end_body(t, u, true);
}

static void
put_tile(struct transcriber *t, const struct walk_unit *u)
{
	if (u->ev.tile == SMTP_OPAQUE && (t->tls ||
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
		put_line(t, u, false);
		break;
	}
	if (u->ev.fact == SMTP_FACT_DATA_BEGINS ||
	    u->ev.fact == SMTP_FACT_TX_BEGUN)
		forget_content(t);
	t->tls |= u->ev.fact == SMTP_FACT_TLS_BEGINS;
}

static void
put_gap(struct transcriber *t, const struct walk_unit *u, bool in_content)
{
	char n[32], note[64];
	struct heap h = { .side = u->side, .from_us = u->from_us,
	    .t_us = u->t_us };

	if (in_content && u->side == SMTP_CLIENT && !t->options->data) {
		uint64_t octets = t->body.open ? t->body.octets : 0;

		heap_add(&t->body, u);
		t->body.octets = octets;
		t->body.missing += u->octets;
		return;
	}
	(void)snprintf(note, sizeof(note), "[%s bytes not recorded]",
	    print_grouped(n, u->octets));
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
		put_line(t, u, true);
		break;
	case WALK_GAP:
		put_gap(t, u, walk->in_data || t->body.open);
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
	text_free(&t.line);
	happenings_free(&t.events);
	return whole;
}
