#include "inspect/transcript.h"

static const struct mark {
	char columns[5];
	enum smtp_side side;
	bool own, held, odd, tls;
} marks[] = {
	{ "=>  ", SMTP_CLIENT, .own = true },
	{ "<=  ", SMTP_SERVER, .own = true },
	{ "-x> ", SMTP_CLIENT, .held = true },
	{ "<x- ", SMTP_SERVER, .held = true },
	{ "**> ", SMTP_CLIENT, .odd = true },
	{ "<** ", SMTP_SERVER, .odd = true },
	{ " ~> ", SMTP_CLIENT, .tls = true },
	{ "<~  ", SMTP_SERVER, .tls = true },
	{ " -> ", SMTP_CLIENT, .own = false },
	{ "<-  ", SMTP_SERVER, .own = false },
};

/* The lines of "===" that say how a stream ended. */
static const struct {
	const char *text;
	enum transcript_what what;
	enum smtp_side side;
} ends[] = {
	{ "client ends", TRANSCRIPT_FIN, SMTP_CLIENT },
	{ "server ends", TRANSCRIPT_FIN, SMTP_SERVER },
	{ "client resets", TRANSCRIPT_RESET, SMTP_CLIENT },
	{ "server resets", TRANSCRIPT_RESET, SMTP_SERVER },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const char *
transcript_mark(const struct transcript_line *line)
{
	for (size_t i = 0; i < COUNT(marks); i++) {
		const struct mark *m = &marks[i];

		if (m->side != line->side)
			continue;
		if (m->own ? line->own : m->held ? line->held :
		    m->odd ? line->odd : m->tls ? line->tls : true)
			return m->columns;
	}
	return marks[0].columns;
}

const char *
transcript_secured(enum smtp_side side)
{
	return side == SMTP_CLIENT ? "TLS with the client" :
	    "TLS with the server";
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void
bad(struct transcript_line *got, const char *why)
{
	got->what = TRANSCRIPT_BAD;
	got->text = span_of(why);
}

/* Cut "+1.000412" off the front of s. False, s untouched: it is no time. */
static bool
take_time(struct span *s, int64_t *t_us)
{
	struct span rest = *s;
	int64_t us = 0;
	size_t fraction = 0, digits = 0;

	if (!rest.n || span_cut(&rest, 1).p[0] != '+')
		return false;
	/* 12 digits of seconds are 31,000 years; no overflow after that */
	for (; rest.n && is_digit(rest.p[0]) && digits < 12; digits++)
		us = us * 10 + (span_cut(&rest, 1).p[0] - '0');
	if (!digits || !rest.n || span_cut(&rest, 1).p[0] != '.')
		return false;
	for (; rest.n && is_digit(rest.p[0]) && fraction < 6; fraction++)
		us = us * 10 + (span_cut(&rest, 1).p[0] - '0');
	if (!fraction || (rest.n && is_digit(rest.p[0])))
		return false;
	for (; fraction < 6; fraction++)
		us *= 10;
	*t_us = us;
	*s = rest;
	return true;
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (span_lower(c) >= 'a' && span_lower(c) <= 'f')
		return span_lower(c) - 'a' + 10;
	return -1;
}

/* Cut an escape off *s, its backslash already cut, and append what it stands
 * for to out. NULL, or what is wrong with it. */
static const char *
take_escape(struct span *s, char *out, size_t *n, bool *implied)
{
	char c = s->n ? span_cut(s, 1).p[0] : '\0';

	switch (c) {
	case '\\':
		out[(*n)++] = '\\';
		return NULL;
	case 'r':
		out[(*n)++] = '\r';
		return NULL;
	case 'n':
		out[(*n)++] = '\n';
		*implied = false;
		return NULL;
	case 'c':
		*implied = false;
		return s->n ? "\\c is not at the end of the line" : NULL;
	case 'x':
		if (s->n < 2 || hex_value(s->p[0]) < 0 || hex_value(s->p[1]) < 0)
			return "\\x wants two hexadecimal digits";
		out[(*n)++] = (char)(hex_value(s->p[0]) << 4 |
		    hex_value(s->p[1]));
		(void)span_cut(s, 2);
		return NULL;
	default:
		return "an escape that is none: \\\\, \\r, \\n, \\xNN, \\c and "
		    "\\{+SECONDS} are";
	}
}

/* Unescape s into out up to its end or to a segment mark, which is left at the
 * front of *s. */
static void
unescape(struct span *s, char *out, struct transcript_line *got)
{
	size_t n = 0;
	bool implied = true;	/* a CRLF ends this line of text */
	const char *why;

	while (s->n) {
		if (s->p[0] != '\\') {
			out[n++] = span_cut(s, 1).p[0];
			implied = true;
			continue;
		}
		got->more = s->n > 1 && s->p[1] == '{';
		if (got->more)
			break;
		(void)span_cut(s, 1);
		implied = true;
		why = take_escape(s, out, &n, &implied);
		if (why) {
			bad(got, why);
			return;
		}
	}
	if (implied && !got->more) {
		out[n++] = '\r';
		out[n++] = '\n';
	}
	got->bytes = (struct span){ out, n };
}

/* "[1,482 bytes sha256 ...]": how many, and what stands behind "bytes". */
static bool
omitted(struct span s, struct transcript_line *got)
{
	uint64_t n = 0;

	while (s.n && s.p[s.n - 1] == ' ')	/* an editor's */
		s.n--;
	if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']' ||
	    !is_digit(s.p[1]))
		return false;
	for (s = span_from(s, 1); is_digit(s.p[0]) || s.p[0] == ',';
	    s = span_from(s, 1)) {
		if (s.p[0] == ',')
			continue;
		if (n > (UINT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(s.p[0] - '0');
	}
	if (!span_starts(s, " byte"))
		return false;
	got->octets = n;
	(void)span_cut(&s, strlen(" byte"));
	if (s.p[0] == 's')
		(void)span_cut(&s, 1);
	got->text = span_trim((struct span){ s.p, s.n - 1 });
	return true;
}

/* What follows "===". */
static void
parse_frame(struct span s, struct transcript_line *got)
{
	got->text = s = span_trim(s);
	for (size_t i = 0; i < COUNT(ends); i++)
		if (span_is(s, ends[i].text)) {
			got->what = ends[i].what;
			got->side = ends[i].side;
			return;
		}
	if (span_starts(s, "session ")) {
		got->what = TRANSCRIPT_SESSION;
		got->text = span_trim(span_from(s, strlen("session ")));
	} else if (span_starts(s, "interrupted")) {
		got->what = TRANSCRIPT_CLOSED;
	} else if (span_starts(s, "closed by ")) {
		got->what = TRANSCRIPT_CLOSED;
		got->text = span_trim(span_from(s, strlen("closed by ")));
	} else {
		bad(got, "\"===\" is followed by session, closed by, "
		    "client or server");
	}
}

/* What follows "***". */
static void
parse_event(struct span s, struct transcript_line *got)
{
	got->what = TRANSCRIPT_EVENT;
	got->text = s = span_trim(s);
	for (int side = 0; side < 2; side++) {
		const char *front = transcript_secured((enum smtp_side)side);

		if (!span_starts(s, front))
			continue;
		(void)span_cut(&s, strlen(front));
		if (s.n && s.p[0] != ':')
			continue;
		got->what = TRANSCRIPT_SECURED;
		got->side = (enum smtp_side)side;
		got->text = span_trim(span_from(s, s.n ? 1 : 0));
	}
}

/* The mark at the front of s, its blanks not counted; NULL if there is none.
 * Fewer blanks behind it than the mark has are forgiven. */
static const struct mark *
take_mark(struct span *s)
{
	for (size_t i = 0; i < COUNT(marks); i++) {
		struct span columns = span_trim(span_of(marks[i].columns));
		size_t begin = (size_t)(columns.p - marks[i].columns);
		size_t blanks = 4 - begin - columns.n;

		if (s->n < columns.n || memcmp(s->p, columns.p, columns.n) != 0)
			continue;
		if (s->n > columns.n && s->p[columns.n] != ' ')
			continue;
		(void)span_cut(s, columns.n);
		for (; blanks && s->n && s->p[0] == ' '; blanks--)
			(void)span_cut(s, 1);
		return &marks[i];
	}
	return NULL;
}

/* Behind the time. */
static void
parse_body(struct span *s, char *out, struct transcript_line *got)
{
	const struct mark *m;

	if (span_starts(*s, "===")) {
		parse_frame(span_from(*s, 3), got);
	} else if (span_starts(*s, "***")) {
		parse_event(span_from(*s, 3), got);
	} else if ((m = take_mark(s)) == NULL) {
		bad(got, "no mark (\" -> \", \"<-  \", \"***\", \"===\", ...) "
		    "begins this line");
	} else {
		got->side = m->side;
		got->own = m->own;
		got->held = m->held;
		got->odd = m->odd;
		got->tls = m->tls;
		got->what = TRANSCRIPT_OMITTED;
		if (!omitted(*s, got)) {
			got->what = TRANSCRIPT_BYTES;
			unescape(s, out, got);
		}
	}
}

/* *line is left at "\{+SECONDS}" by the call before. */
static void
parse_rest(struct span *s, char *out, struct transcript_line *got)
{
	struct span rest = span_from(*s, 2);

	got->more = false;
	if (!take_time(&rest, &got->t_us) || !rest.n || rest.p[0] != '}') {
		bad(got, "\\{ wants a time: \\{+0.000412}");
		return;
	}
	got->timed = true;
	*s = span_from(rest, 1);
	unescape(s, out, got);
}

void
transcript_parse(struct span *line, char *out, struct transcript_line *got)
{
	size_t n = span_line(*line);
	struct span s = span_chomp((struct span){ line->p, n ? n : line->n });
	struct span after = span_from(*line, n ? n : line->n);

	if (got->more) {
		parse_rest(&s, out, got);
	} else {
		*got = (struct transcript_line){ .what = TRANSCRIPT_COMMENT };
		while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
			s = span_from(s, 1);
		if (take_time(&s, &got->t_us)) {
			got->timed = true;
			while (s.n && s.p[0] == ' ')
				s = span_from(s, 1);
		}
		if (got->timed || (s.n && s.p[0] != '#'))
			parse_body(&s, out, got);
	}
	if (got->more)	/* go on behind what was read of this line */
		*line = (struct span){ s.p, (size_t)(after.p + after.n - s.p) };
	else
		*line = after;
}
