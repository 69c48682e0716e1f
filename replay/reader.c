#include "replay/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "inspect/transcript.h"
#include "replay/moment.h"
#include "replay/print.h"

#define UNTIMED_US 1000		/* between segments whose time is not told */

struct builder {
	struct reader_session *to;
	size_t room;		/* segments there is room for */
	int64_t now_us;		/* of the last segment; -1: none yet */
	bool broken;		/* the next bytes begin a segment */
	bool data;		/* the client's last line was DATA */
};

static void *
need(void *p)
{
	if (!p)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	return p;
}

static struct store_segment *
add_segment(struct builder *b, enum wire_kind kind, enum smtp_side side,
    int64_t t_us, uint64_t octets)
{
	struct store_wire *w = &b->to->wire;

	if (w->n == b->room) {
		b->room = b->room ? 2 * b->room : 64;
		w->segments = need(reallocarray(w->segments, b->room,
		    sizeof(*w->segments)));
	}
	b->now_us = t_us;
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

/* These bytes go on the segment before. */
static bool
goes_on(const struct builder *b, const struct transcript_line *line,
    enum wire_kind kind)
{
	const struct store_wire *w = &b->to->wire;

	return !line->timed && !b->broken && w->n > 0 &&
	    kind == WIRE_BYTES && w->segments[w->n - 1].kind == kind &&
	    w->segments[w->n - 1].side == line->side;
}

static void
add_bytes(struct builder *b, const struct transcript_line *line)
{
	struct store_wire *w = &b->to->wire;
	enum wire_kind kind = line->own ? WIRE_OWN : WIRE_BYTES;
	struct store_segment *seg;

	if (!line->bytes.n)
		return;
	if (goes_on(b, line, kind))
		seg = &w->segments[w->n - 1];
	else
		seg = add_segment(b, kind, line->side, time_of(b, line), 0);
	b->broken = false;
	seg->octets += line->bytes.n;
	seg->bytes.n += line->bytes.n;
	text_span(&w->memory, line->bytes);
	if (w->memory.failed)
		(void)need(NULL);
	if (line->side == SMTP_CLIENT && !line->own)
		b->data = span_is(span_trim(span_chomp(line->bytes)), "DATA");
}

static void
add_omitted(struct builder *b, const struct transcript_line *line)
{
	struct transcript_line end = { .side = SMTP_CLIENT,
	    .bytes = SPAN(".\r\n") };
	bool whole = b->data && line->side == SMTP_CLIENT &&
	    !span_is(line->text, "not recorded") &&
	    !span_is(line->text, "unfinished");

	(void)add_segment(b, WIRE_GAP, line->side, time_of(b, line),
	    line->octets);
	b->broken = true;
	if (whole)
		add_bytes(b, &end);
}

static void
copy_word(char *to, size_t room, struct span word)
{
	if (span_is(word, "-"))
		word.n = 0;
	(void)snprintf(to, room, "%.*s", (int)word.n, word.n ? word.p : "");
}

/* "key=value" into to, if word is that key's. */
static void
take_key(struct span word, const char *key, char *to, size_t room)
{
	if (span_starts(word, key))
		copy_word(to, room, span_from(word, strlen(key)));
}

/* ID  START  CLIENT -> SERVER  listener=... original-dst=... */
static bool
take_head(struct reader_session *to, struct span s)
{
	struct { char *to; size_t room; } words[] = {
		{ to->id, sizeof(to->id) },
		{ to->started_at, sizeof(to->started_at) },
		{ to->client, sizeof(to->client) },
		{ NULL, 0 },	/* -> */
		{ to->upstream, sizeof(to->upstream) },
	};
	struct moment start;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct span word;

		s = span_trim(s);
		word = span_word(&s);
		if (words[i].to)
			copy_word(words[i].to, words[i].room, word);
		else if (word.n && !span_is(word, "->"))
			return false;
	}
	for (s = span_trim(s); s.n; s = span_trim(s)) {
		struct span word = span_word(&s);

		take_key(word, "listener=", to->listener, sizeof(to->listener));
		take_key(word, "original-dst=", to->original_dst,
		    sizeof(to->original_dst));
	}
	return !to->started_at[0] || moment_parse(to->started_at, 0, &start);
}

/* WHO  0.118s */
static bool
take_tail(struct reader_session *to, struct span s)
{
	struct span who = span_word(&s);
	char duration[32];
	int64_t us;

	copy_word(to->ended_by, sizeof(to->ended_by), who);
	copy_word(duration, sizeof(duration), span_trim(s));
	if (!duration[0])
		return true;
	if (!moment_span(duration, &us))
		return false;
	to->duration_us = us;
	return true;
}

static bool
refuse(char error[READER_ERROR_MAX], struct span why)
{
	(void)snprintf(error, READER_ERROR_MAX, "%.*s", (int)why.n, why.p);
	return false;
}

/* False: this line is not right. */
static bool
take_line(struct builder *b, const struct transcript_line *line,
    char error[READER_ERROR_MAX])
{
	switch (line->what) {
	case TRANSCRIPT_BYTES:
		add_bytes(b, line);
		return true;
	case TRANSCRIPT_OMITTED:
		add_omitted(b, line);
		return true;
	case TRANSCRIPT_FIN:
	case TRANSCRIPT_RESET:
		(void)add_segment(b, line->what == TRANSCRIPT_FIN ? WIRE_FIN :
		    WIRE_RESET, line->side, time_of(b, line), 0);
		return true;
	case TRANSCRIPT_CLOSED:
		if (take_tail(b->to, line->text))
			return true;
		return refuse(error, SPAN("it is: === closed by client  "
		    "0.118s"));
	case TRANSCRIPT_SESSION:
		if (take_head(b->to, line->text))
			return true;
		return refuse(error, SPAN("it is: === session ID  "
		    "2026-11-22T10:00:00Z  CLIENT -> SERVER"));
	case TRANSCRIPT_BAD:
		return refuse(error, line->text);
	case TRANSCRIPT_EVENT:		/* they will be found again */
	case TRANSCRIPT_COMMENT:
		break;
	}
	return true;
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
is_one_segment(const struct store_segment *a, const struct store_segment *b)
{
	return a->t_us == b->t_us && a->side == b->side &&
	    a->kind == WIRE_BYTES && b->kind == WIRE_BYTES;
}

/* show prints what was said too early where it was understood: the times tell
 * the order in which it came, and which lines were one segment. */
static void
put_in_order(struct store_wire *w)
{
	struct text memory = { 0 };
	size_t n = 0;

	point_segments(w);
	if (w->n)
		qsort(w->segments, w->n, sizeof(*w->segments), by_time);
	for (size_t i = 0; i < w->n; i++) {
		const struct store_segment seg = w->segments[i];

		text_span(&memory, seg.bytes);
		if (n && is_one_segment(&w->segments[n - 1], &seg)) {
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
}

/* The line at the front of s begins a session. */
static bool
begins_session(struct span s)
{
	return span_starts(s, "=== session");
}

bool
reader_next(struct reader *r, struct reader_session *to,
    char error[READER_ERROR_MAX])
{
	struct builder b = { .to = to, .now_us = -1 };
	bool any = false, good = true;

	*to = (struct reader_session){ .duration_us = -1 };
	error[0] = '\0';
	while (good && r->text.n && !(any && begins_session(r->text))) {
		size_t n = span_line(r->text);
		struct span s = span_cut(&r->text, n ? n : r->text.n);
		char *bytes = need(malloc(s.n + 2));
		struct transcript_line line = { .more = false };

		r->line++;
		do {
			transcript_parse(&s, bytes, &line);
			good = take_line(&b, &line, error);
			any |= line.what != TRANSCRIPT_COMMENT;
		} while (good && line.more);
		free(bytes);
	}
	put_in_order(&to->wire);
	if (to->wire.memory.failed)
		(void)need(NULL);
	return good && any;
}

void
reader_free(struct reader_session *s)
{
	store_wire_free(&s->wire);
}
