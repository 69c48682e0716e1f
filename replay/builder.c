#include "replay/builder.h"

#include <stdlib.h>

#include "replay/print.h"

#define UNTIMED_US 1000		/* between segments whose time is not told */

static void *
need(void *p)
{
	if (!p)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	return p;
}

/* A segment begins, or another kind of bytes in it. */
static struct store_segment *
add_segment(struct builder *b, enum wire_kind kind, enum smtp_side side,
    int64_t t_us, uint64_t octets)
{
	struct store_wire *w = b->wire;

	if (w->n == b->room) {
		b->room = b->room ? 2 * b->room : 64;
		w->segments = need(reallocarray(w->segments, b->room,
		    sizeof(*w->segments)));
	}
	w->segments[w->n] = (struct store_segment){ .kind = kind,
	    .side = side, .t_us = t_us, .octets = octets };
	return &w->segments[w->n++];
}

static int64_t
time_of(const struct builder *b, const struct transcript_line *line)
{
	if (line->timed)
		return line->t_us;
	return b->now_us < 0 ? 0 : b->now_us + UNTIMED_US;
}

/* The line stands behind others of the segment under way. */
static bool
follows(const struct builder *b, const struct transcript_line *line)
{
	return !line->timed && !b->broken && b->now_us >= 0 &&
	    b->side == line->side;
}

/* What the bytes of this line are: see reader.h. */
static enum wire_kind
kind_of(const struct builder *b, const struct transcript_line *line)
{
	if (!line->own)
		return line->held ? WIRE_WITHHELD : WIRE_BYTES;
	if (!follows(b, line) || b->kind == WIRE_OWN)
		return WIRE_OWN;
	if (b->timed || b->open || b->kind == WIRE_WITHHELD)
		return WIRE_MADE;
	return WIRE_OWN;
}

/* These bytes go on the segment before. */
static bool
goes_on(const struct builder *b, const struct transcript_line *line,
    enum wire_kind kind)
{
	if (!follows(b, line))
		return false;
	if (b->timed)
		return true;
	return kind == WIRE_OWN ? b->kind == WIRE_OWN && b->open :
	    b->kind != WIRE_OWN;
}

/* No line end, or a reply of which another line follows: "250-...". */
static bool
is_open(const struct transcript_line *line)
{
	struct span s = line->bytes;

	if (!s.n || s.p[s.n - 1] != '\n')
		return true;
	return line->side == SMTP_SERVER && s.n > 4 && s.p[3] == '-';
}

/* Put them behind what has come. */
static void
put_bytes(struct builder *b, const struct transcript_line *line,
    enum wire_kind kind)
{
	struct store_wire *w = b->wire;
	struct store_segment *seg = w->n ? &w->segments[w->n - 1] : NULL;

	if (!seg || seg->kind != kind || seg->side != line->side ||
	    seg->t_us != b->now_us)
		seg = add_segment(b, kind, line->side, b->now_us, 0);
	seg->octets += line->bytes.n;
	seg->bytes.n += line->bytes.n;
	text_span(&w->memory, line->bytes);
	if (w->memory.failed)
		(void)need(NULL);
}

static void
add_bytes(struct builder *b, const struct transcript_line *line)
{
	enum wire_kind kind = kind_of(b, line);

	if (!line->bytes.n && !line->timed)
		return;
	if (!goes_on(b, line, kind)) {
		b->now_us = time_of(b, line);
		b->timed = line->timed;
	}
	if (line->bytes.n)
		put_bytes(b, line, kind);
	b->broken = false;
	b->side = line->side;
	b->kind = kind;
	b->open = is_open(line);
	if (line->side == SMTP_CLIENT && !line->own)
		b->data = span_is(span_trim(span_chomp(line->bytes)), "DATA");
}

/* Something that is no bytes. */
static void
add_mark(struct builder *b, const struct transcript_line *line,
    enum wire_kind kind)
{
	b->now_us = time_of(b, line);
	b->broken = true;
	(void)add_segment(b, kind, line->side, b->now_us, line->octets);
}

static void
add_secured(struct builder *b, const struct transcript_line *line)
{
	struct store_segment *seg;

	b->now_us = time_of(b, line);
	b->broken = true;
	seg = add_segment(b, WIRE_SECURED, line->side, b->now_us, line->text.n);
	seg->bytes.n = line->text.n;
	text_span(&b->wire->memory, line->text);
	if (b->wire->memory.failed)
		(void)need(NULL);
}

/* What was made of bytes that are not shown is not shown either. */
static void
add_omitted(struct builder *b, const struct transcript_line *line)
{
	struct transcript_line end = { .side = SMTP_CLIENT,
	    .held = line->held, .bytes = SPAN(".\r\n") };
	bool whole = b->data && line->side == SMTP_CLIENT &&
	    !span_is(line->text, "not recorded") &&
	    !span_is(line->text, "unfinished");

	add_mark(b, line, WIRE_GAP);
	if (whole)
		add_bytes(b, &end);
}

/* Times first; at one time, the order of the lines, which is that of memory. */
static int
by_time(const void *left, const void *right)
{
	const struct store_segment *a = left, *b = right;

	if (a->t_us != b->t_us)
		return a->t_us < b->t_us ? -1 : 1;
	return a->bytes.p < b->bytes.p ? -1 : a->bytes.p > b->bytes.p;
}

/* The bytes of the segments lie in memory one behind the other, as their lines
 * do in the text. */
static void
point_segments(struct store_wire *w)
{
	const char *p = w->memory.p;

	for (size_t i = 0; i < w->n; i++) {
		w->segments[i].bytes.p = p;
		p += w->segments[i].bytes.n;
	}
}

static bool
has_bytes(enum wire_kind kind)
{
	return kind != WIRE_GAP && kind != WIRE_FIN && kind != WIRE_RESET &&
	    kind != WIRE_SECURED;
}

static bool
is_one_segment(const struct store_segment *a, const struct store_segment *b)
{
	return a->t_us == b->t_us && a->side == b->side &&
	    has_bytes(a->kind) && has_bytes(b->kind);
}

void
builder_init(struct builder *b, struct store_wire *wire)
{
	*b = (struct builder){ .wire = wire, .now_us = -1 };
}

void
builder_add(struct builder *b, const struct transcript_line *line)
{
	switch (line->what) {
	case TRANSCRIPT_BYTES:
		add_bytes(b, line);
		break;
	case TRANSCRIPT_OMITTED:
		if (!line->own)
			add_omitted(b, line);
		break;
	case TRANSCRIPT_FIN:
		add_mark(b, line, WIRE_FIN);
		break;
	case TRANSCRIPT_RESET:
		add_mark(b, line, WIRE_RESET);
		break;
	case TRANSCRIPT_SECURED:
		add_secured(b, line);
		break;
	default:
		break;
	}
}

/* show prints what was said too early where it was understood: the times tell
 * the order in which it came, and which lines were one segment. */
void
builder_finish(struct builder *b)
{
	struct store_wire *w = b->wire;
	struct text memory = { 0 };
	size_t n = 0;

	point_segments(w);
	if (w->n)
		qsort(w->segments, w->n, sizeof(*w->segments), by_time);
	for (size_t i = 0; i < w->n; i++) {
		struct store_segment seg = w->segments[i];

		text_span(&memory, seg.bytes);
		seg.same_segment = n &&
		    is_one_segment(&w->segments[n - 1], &seg);
		if (seg.same_segment && w->segments[n - 1].kind == seg.kind) {
			w->segments[n - 1].bytes.n += seg.bytes.n;
			w->segments[n - 1].octets += seg.octets;
		} else {
			w->segments[n++] = seg;
		}
	}
	w->n = n;
	text_free(&w->memory);
	w->memory = memory;
	point_segments(w);
	if (memory.failed)
		(void)need(NULL);
}
