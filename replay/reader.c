#include "replay/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "replay/builder.h"
#include "replay/moment.h"
#include "replay/order.h"
#include "replay/print.h"

struct reading {
	struct reader_session *to;
	struct builder builder;
	size_t room;		/* rules there is room for */
};

/* Cut s up to the next end off its front; the end too. */
static struct span
take_to(struct span *s, const char *end)
{
	const char *p = memmem(s->p, s->n, end, strlen(end));
	struct span front = span_cut(s, p ? (size_t)(p - s->p) : s->n);

	(void)span_cut(s, p ? strlen(end) : 0);
	return front;
}

/* Other events will be found again. */
static void
add_event(struct reading *r, const struct transcript_line *line)
{
	struct reader_session *to = r->to;
	struct reader_rule rule = { .t_us = line->timed ? line->t_us :
	    r->builder.now_us };
	struct span s = line->text;

	if (order_read(s, &to->wire.turns) || !span_starts(s, "rule \""))
		return;
	(void)span_cut(&s, strlen("rule \""));
	rule.name = take_to(&s, "\", ");
	rule.severity = take_to(&s, ": ");
	rule.detail = s;
	if (to->n_rules == r->room) {
		r->room = r->room ? 2 * r->room : 16;
		to->rules = reallocarray(to->rules, r->room,
		    sizeof(*to->rules));
		if (!to->rules)
			exit(complain(EXIT_UNREADABLE, "out of memory"));
	}
	to->rules[to->n_rules++] = rule;
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
take_line(struct reading *r, const struct transcript_line *line,
    char error[READER_ERROR_MAX])
{
	switch (line->what) {
	case TRANSCRIPT_BYTES:
	case TRANSCRIPT_OMITTED:
	case TRANSCRIPT_FIN:
	case TRANSCRIPT_RESET:
	case TRANSCRIPT_SECURED:
		builder_add(&r->builder, line);
		return true;
	case TRANSCRIPT_CLOSED:
		if (take_tail(r->to, line->text))
			return true;
		return refuse(error, SPAN("it is: === closed by client  "
		    "0.118s"));
	case TRANSCRIPT_SESSION:
		if (take_head(r->to, line->text))
			return true;
		return refuse(error, SPAN("it is: === session ID  "
		    "2026-11-22T10:00:00Z  CLIENT -> SERVER"));
	case TRANSCRIPT_BAD:
		return refuse(error, line->text);
	case TRANSCRIPT_EVENT:
		add_event(r, line);
		return true;
	case TRANSCRIPT_COMMENT:
		break;
	}
	return true;
}

/* Read one line of text. *what: of its last part. */
static bool
read_line(struct reading *r, struct span s, enum transcript_what *what,
    char error[READER_ERROR_MAX])
{
	struct transcript_line line = { .more = false };
	char *bytes = malloc(s.n + 2);
	bool good;

	if (!bytes)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	do {
		transcript_parse(&s, bytes, &line);
		good = take_line(r, &line, error);
	} while (good && line.more);
	free(bytes);
	*what = line.what;
	return good;
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
	struct reading reading = { .to = to };
	bool any = false, good = true;

	*to = (struct reader_session){ .duration_us = -1 };
	builder_init(&reading.builder, &to->wire);
	error[0] = '\0';
	while (good && r->text.n && !(any && begins_session(r->text))) {
		size_t n = span_line(r->text);
		enum transcript_what what;

		r->line++;
		good = read_line(&reading, span_cut(&r->text,
		    n ? n : r->text.n), &what, error);
		any |= what != TRANSCRIPT_COMMENT;
	}
	builder_finish(&reading.builder);
	return good && any;
}

void
reader_free(struct reader_session *s)
{
	store_wire_free(&s->wire);
	free(s->rules);
	s->rules = NULL;
}
