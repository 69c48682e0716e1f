#include "replay/normalise.h"

/* Where in a text a matcher is asked, and what the text is. */
struct place {
	struct span text, rest;	/* rest: from the word asked about to the end */
};

/* Octets at the front of at->rest that are volatile; 0: not this. */
typedef size_t matcher(const struct place *at);

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return span_lower(c) >= 'a' && span_lower(c) <= 'z';
}

static bool
is_word(char c)
{
	return is_digit(c) || is_letter(c);
}

/* Match a picture: '9' a digit, 'A' a letter, '?' any octet, '+' more of the
 * same, ' ' one or more blanks, anything else itself. */
static size_t
picture(struct span s, const char *p)
{
	size_t i = 0;

	for (; *p; p++) {
		bool more = p[1] == '+' || *p == ' ';
		size_t from = i;

		while (i < s.n && (*p == '9' ? is_digit(s.p[i]) :
		    *p == 'A' ? is_letter(s.p[i]) : *p == '?' ||
		    s.p[i] == *p)) {
			i++;
			if (!more)
				break;
		}
		if (i == from)
			return 0;
		if (p[1] == '+')
			p++;
	}
	return i;
}

/* n octets of s have matched; a picture that may follow them. */
static size_t
also(struct span s, size_t n, const char *p)
{
	return n + picture(span_from(s, n), p);
}

/* The run of letters, digits and these at the front. */
static size_t
run_of(struct span s, const char *more)
{
	size_t n = 0;

	while (n < s.n && (is_word(s.p[n]) ||
	    (s.p[n] && strchr(more, s.p[n]))))
		n++;
	return n;
}

static size_t
match_challenge(const struct place *at)
{
	/* "VXNlciBOYW1lAA==", the longest prompt of LOGIN, has 16. */
	return at->rest.p == at->text.p && at->rest.n > 16 ? at->rest.n : 0;
}

static size_t
match_queue_id(const struct place *at)
{
	struct span id = smtp_queue_id(at->text);

	return id.n && id.p == at->rest.p ? id.n : 0;
}

/* <local@domain> */
static size_t
match_angle(const struct place *at)
{
	const char *end;
	size_t n;

	if (at->rest.p[0] != '<')
		return 0;
	end = memchr(at->rest.p, '>', at->rest.n);
	n = end ? (size_t)(end - at->rest.p) + 1 : 0;
	return n && memchr(at->rest.p, '@', n) ? n : 0;
}

static size_t
match_date(const struct place *at)
{
	size_t day = picture(at->rest, "AAA, ");
	size_t n = picture(span_from(at->rest, day), "9+ AAA 9999 99:99");

	if (n == 0)
		return 0;
	n = also(at->rest, day + n, ":99");
	n = also(at->rest, n, " ?9999");
	return also(at->rest, n, " (A+)");
}

static size_t
match_ctime(const struct place *at)
{
	size_t n = picture(at->rest, "AAA AAA 9+ 99:99:99 9999");

	return n ? n : picture(at->rest, "AAA AAA 9+ 99:99:99 A+ 9999");
}

static size_t
match_iso_date(const struct place *at)
{
	size_t n = picture(at->rest, "9999-99-99"), time;

	if (n == 0)
		return 0;
	time = also(at->rest, n, "?99:99:99");
	if (time == n)
		return n;
	n = also(at->rest, time, ".9+");
	time = also(at->rest, n, "Z");
	return time > n ? time : also(at->rest, n, "?99:99");
}

static size_t
match_time(const struct place *at)
{
	size_t n = picture(at->rest, "99:99:99");

	return n ? also(at->rest, n, ".9+") : 0;
}

/* An address of IPv6 is told from a word by its colons, a bare one of IPv4 from
 * the version of Sendmail, "8.17.1.9", by its first two digits. */
static size_t
match_ip(const struct place *at)
{
	struct span s = at->rest, in;
	size_t n = picture(s, "99+.9+.9+.9+"), colons = 0;

	if (n)
		return also(s, n, ":9+");
	in = s.p[0] == '[' ? span_from(s, 1) : s;
	if (span_starts(in, "IPv6:"))
		in = span_from(in, 5);
	n = run_of(in, ".:");
	for (size_t i = 0; i < n; i++)
		colons += in.p[i] == ':';
	if (s.p[0] != '[')
		return colons >= 2 ? n : 0;
	if (n == in.n || in.p[n] != ']' ||
	    (colons < 2 && picture(in, "9+.9+.9+.9+") != n))
		return 0;
	return also(s, (size_t)(in.p - s.p) + n + 1, ":9+");
}

static size_t
match_quantity(const struct place *at)
{
	static const char *const units[] = {
		"octets", "bytes", "KB", "MB", "us", "ms", "msec", "s", "sec",
		"secs", "second", "seconds",
	};
	size_t n = picture(at->rest, "9+"), unit;
	struct span rest;

	if (n == 0)
		return 0;
	n = also(at->rest, n, ".9+");
	n = also(at->rest, n, " ");
	rest = span_from(at->rest, n);
	unit = run_of(rest, "");
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (span_is((struct span){ rest.p, unit }, units[i]))
			return n + unit;
	return 0;
}

static size_t
match_port(const struct place *at)
{
	struct span rest = at->rest;

	if (!span_starts(rest, "port") || rest.n < 6)
		return 0;
	rest = span_from(rest, 4);
	if (rest.p[0] != ' ' && rest.p[0] != '=' && rest.p[0] != ':')
		return 0;
	return picture(span_from(rest, 1), "9+") ?
	    5 + picture(span_from(rest, 1), "9+") : 0;
}

/* Labels with dots between; the last begins with a letter, or it is a version
 * number. */
static size_t
match_host(const struct place *at)
{
	struct span s = at->rest;
	size_t n = run_of(s, ".-_"), dot;

	while (n && !is_word(s.p[n - 1]))
		n--;
	for (dot = n; dot && s.p[dot - 1] != '.'; dot--)
		continue;
	return dot && is_letter(s.p[dot]) ? n : 0;
}

static size_t
match_first(const struct place *at)
{
	return at->rest.p == at->text.p ? run_of(at->rest, ".-_*") : 0;
}

static size_t
match_token(const struct place *at)
{
	size_t n = run_of(at->rest, ".-_"), digits = 0, letters = 0;

	while (n && !is_word(at->rest.p[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++) {
		digits += is_digit(at->rest.p[i]);
		letters += is_letter(at->rest.p[i]);
	}
	return n >= 12 && digits >= 3 && letters >= 2 ? n : 0;
}

enum where { ANY, OPENS, HOSTS, ENDS, ECHOES, ASKS };

static const struct row {
	struct normalise_row public;
	enum where where;
	matcher *match;
} rows[] = {
#define NORMALISER(name, where, match, verb, example, reason) \
	{ { name, reason, example, verb }, where, match },
#include "replay/normalisers.def"
#undef NORMALISER
};

#define ROWS (sizeof rows / sizeof *rows)

const struct normalise_row *
normalise_row(size_t i)
{
	return i < ROWS ? &rows[i].public : NULL;
}

static bool
is_volatile(enum where where, enum smtp_verb verb, size_t number, int code)
{
	bool greets = verb == SMTP_EHLO || verb == SMTP_LHLO;
	bool opens = verb == SMTP_CONNECT || verb == SMTP_HELO ||
	    (greets && number == 0);

	switch (where) {
	case ANY:
		return !greets || number == 0;
	case OPENS:
		return opens;
	case HOSTS:
		return opens || verb == SMTP_QUIT || code == 421;
	case ENDS:
		return verb == SMTP_END || verb == SMTP_BDAT_LAST ||
		    verb == SMTP_BURL_LAST;
	case ECHOES:
		return verb == SMTP_MAIL || verb == SMTP_RCPT ||
		    verb == SMTP_VRFY;
	case ASKS:
		return code == 334;
	}
	return false;
}

int
normalise_code(struct span line, struct span *text)
{
	int code = 0;

	*text = line;
	if (picture(line, "999") == 0 ||
	    (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
		return 0;
	for (int i = 0; i < 3; i++)
		code = code * 10 + (line.p[i] - '0');
	*text = span_from(line, line.n > 3 ? 4 : 3);
	return code;
}

struct output {
	char *p;
	size_t n, room;
};

static void
put(struct output *out, struct span s)
{
	size_t n = s.n < out->room - out->n ? s.n : out->room - out->n;

	if (n)
		memcpy(out->p + out->n, s.p, n);
	out->n += n;
}

/* The row that matches here, NULL if none does; *n octets of it. */
static const struct row *
match(const struct place *at, enum smtp_verb verb, size_t number, int code,
    size_t *n)
{
	for (const struct row *r = rows; r < rows + ROWS; r++)
		if (is_volatile(r->where, verb, number, code) &&
		    (*n = r->match(at)) != 0)
			return r;
	return NULL;
}

/* A word begins here. What follows "@" is the rest of an address. */
static bool
begins_word(const struct place *at)
{
	char before;

	if (at->rest.p == at->text.p)
		return true;
	before = at->rest.p[-1];
	return !is_word(before) && !strchr("@.-_", before);
}

size_t
normalise_line(enum smtp_verb verb, size_t number, struct span line,
    char *out, size_t room)
{
	struct output to = { out, 0, room };
	const struct row *row;
	struct place at;
	int code;
	size_t n;

	if (line.n > NORMALISE_LINE_MAX) {
		put(&to, line);
		return to.n;
	}
	code = normalise_code(line, &at.text);
	put(&to, (struct span){ line.p, line.n - at.text.n });
	for (at.rest = at.text; at.rest.n; at.rest = span_from(at.rest, n)) {
		n = 1;
		row = begins_word(&at) ?
		    match(&at, verb, number, code, &n) : NULL;
		if (row == NULL) {
			n = 1;
			put(&to, (struct span){ at.rest.p, 1 });
			continue;
		}
		put(&to, SPAN("<"));
		put(&to, span_of(row->public.name));
		put(&to, SPAN(">"));
	}
	return to.n;
}
