#include "inspect/parameter.h"

#include "inspect/decoded.h"

/* Sections of hostile order cost a look at the whole field each. */
#define SEARCHES_MAX	8

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Octets of the comment at the front of s (RFC 5322 3.2.2); 0: it has no end. */
static size_t
comment_length(struct span s)
{
	unsigned depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* Cut a comment off the front, if there is one. One without an end is none, and
 * then there is none behind it: each octet is looked at once. */
static bool
skip_comment(struct parameters *of)
{
	size_t n = 0;

	if (of->comments && of->rest.n && of->rest.p[0] == '(') {
		n = comment_length(of->rest);
		of->comments = n != 0;
	}
	(void)span_cut(&of->rest, n);
	return n != 0;
}

static void
skip_blanks(struct parameters *of)
{
	do {
		of->rest = span_trim(of->rest);
	} while (skip_comment(of));
}

/* Cut the inside of the quoted string at the front. */
static struct span
cut_quoted(struct span *s)
{
	struct span inside;
	size_t n = 0;

	(void)span_cut(s, 1);
	while (n < s->n && s->p[n] != '"')
		n += s->p[n] == '\\' && n + 1 < s->n ? 2 : 1;
	inside = span_cut(s, n);
	if (s->n)
		(void)span_cut(s, 1);
	return inside;
}

/* Skip up to and with the next semicolon. */
static void
skip_to_next(struct parameters *of)
{
	while (of->rest.n) {
		if (skip_comment(of))
			continue;
		if (of->rest.p[0] == '"')
			(void)cut_quoted(&of->rest);
		else if (span_cut(&of->rest, 1).p[0] == ';')
			return;
	}
}

void
parameters_start(struct parameters *of, struct span body)
{
	*of = (struct parameters){ .body = body, .rest = body,
	    .comments = true };
	skip_to_next(of);
}

/* A value without quotes goes to the semicolon: names of files with blanks in
 * them are sent like this. A comment at its end is none of it. */
static struct span
cut_plain(struct span *s)
{
	const char *end = s->n ? memchr(s->p, ';', s->n) : NULL;
	struct span value = span_cut(s, end ? (size_t)(end - s->p) : s->n);

	value = span_trim(value);
	if (value.n == 0 || value.p[value.n - 1] != ')')
		return value;
	for (size_t n = value.n - 1; n > 1; n--)
		if (value.p[n - 1] == '(' && is_blank(value.p[n - 2]))
			return span_trim((struct span){ value.p, n - 1 });
	return value;
}

/* The forms of RFC 2231: name*, name*0, name*0*. */
static void
read_suffix(struct parameter *p)
{
	const char *star = p->name.n ? memchr(p->name.p, '*', p->name.n) : NULL;
	struct span suffix;
	unsigned section = 0, digits = 0;

	if (star == NULL)
		return;
	suffix = span_from(p->name, (size_t)(star + 1 - p->name.p));
	while (suffix.n && suffix.p[0] >= '0' && suffix.p[0] <= '9' &&
	    digits++ < 4)
		section = section * 10 +
		    (unsigned)(span_cut(&suffix, 1).p[0] - '0');
	if (suffix.n && (digits == 0 || suffix.n > 1 || suffix.p[0] != '*'))
		return;
	p->extended = digits == 0 || suffix.n;
	p->sectioned = digits != 0;
	p->section = section;
	p->name.n = (size_t)(star - p->name.p);
}

static struct span
cut_name(struct span *s)
{
	size_t n = 0;

	while (n < s->n && !is_blank(s->p[n]) && s->p[n] != '=' &&
	    s->p[n] != ';' && s->p[n] != '(' && s->p[n] != '"')
		n++;
	return span_cut(s, n);
}

bool
parameters_next(struct parameters *of, struct parameter *p)
{
	*p = (struct parameter){ 0 };
	for (;;) {
		skip_blanks(of);
		if (of->rest.n == 0)
			return false;
		p->name = cut_name(&of->rest);
		skip_blanks(of);
		if (of->rest.n && of->rest.p[0] == '=')
			break;
		skip_to_next(of);
	}
	(void)span_cut(&of->rest, 1);
	skip_blanks(of);
	p->quoted = of->rest.n && of->rest.p[0] == '"';
	p->value = p->quoted ? cut_quoted(&of->rest) : cut_plain(&of->rest);
	skip_to_next(of);
	read_suffix(p);
	return true;
}

/* Section n of what first is section 0 of, behind where from stands. */
static bool
next_section(struct parameters *from, const struct parameter *first,
    unsigned n, struct parameter *found)
{
	while (parameters_next(from, found))
		if (found->sectioned && found->section == n &&
		    found->name.n == first->name.n &&
		    span_alike(found->name.p, first->name.p, found->name.n))
			return true;
	return false;
}

static void
put_value(struct decoded *d, const struct parameter *p)
{
	if (p->extended)
		decoded_percent(d, p->value, p->section == 0);
	else
		decoded_text(d, p->value, p->quoted);
}

uint64_t
parameter_value(struct parameters *of, const struct parameter *p, char *out,
    size_t room)
{
	struct decoded d = { out, room, 0 };
	struct parameters from = *of;
	struct parameter more;

	put_value(&d, p);
	if (!p->sectioned)
		return d.octets;
	for (unsigned n = p->section + 1; of->searches < SEARCHES_MAX; n++) {
		/* In their order, if their writer kept to it. */
		if (!next_section(&from, p, n, &more)) {
			of->searches++;
			parameters_start(&from, of->body);
			if (!next_section(&from, p, n, &more))
				break;
		}
		put_value(&d, &more);
	}
	return d.octets;
}

size_t
parameter_token(struct span s, char *out, size_t room)
{
	struct parameters of = { .rest = s, .comments = true };
	size_t n = 0;

	for (;;) {
		char c;

		skip_blanks(&of);
		if (of.rest.n == 0 || of.rest.p[0] == ';' || n == room)
			return n;
		c = span_cut(&of.rest, 1).p[0];
		if (c != '"')
			out[n++] = (char)span_lower(c);
	}
}
