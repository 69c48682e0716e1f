#include "inspect/hostname.h"

#include "inspect/scrub.h"

#define TAG SPAN("IPv6:")	/* of an address literal, RFC 5321 4.1.3 */

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
of_label(char c)
{
	return is_letter(c) || is_digit(c) || c == '-' || c == '_' ||
	    (unsigned char)c >= 0x80;
}

static bool
is_tag(struct span text, size_t end)
{
	return end >= TAG.n &&
	    span_alike(text.p + end - TAG.n, TAG.p, TAG.n);
}

/* What stands before `at` would make this name a longer one: a letter, or a
 * letter and what joins two labels. */
static bool
goes_on_before(struct span text, size_t at, struct span name)
{
	bool address = memchr(name.p, ':', name.n) != NULL;
	char before;

	if (at == 0 || name.p[0] == '[')
		return false;
	before = text.p[at - 1];
	if (before == ':')
		return address && !is_tag(text, at);
	if (before == '.')
		return at > 1 && of_label(text.p[at - 2]);
	return of_label(before);
}

static bool
goes_on_behind(struct span rest, struct span name)
{
	bool address = memchr(name.p, ':', name.n) != NULL;

	if (rest.n == 0 || name.p[name.n - 1] == ']')
		return false;
	if (rest.p[0] == '.' || (address && rest.p[0] == ':'))
		return rest.n > 1 && of_label(rest.p[1]);
	return of_label(rest.p[0]);
}

bool
hostname_stands(struct span text, size_t at, struct span name)
{
	struct span rest = span_from(text, at);

	return rest.n >= name.n && span_alike(rest.p, name.p, name.n) &&
	    !goes_on_before(text, at, name) &&
	    !goes_on_behind(span_from(rest, name.n), name);
}

bool
hostname_in_literal(struct span text, size_t at, size_t n,
    struct span *inside)
{
	size_t tag = is_tag(text, at) ? TAG.n : 0;
	bool is = at > tag && text.p[at - tag - 1] == '[' &&
	    at + n < text.n && text.p[at + n] == ']';

	*inside = (struct span){ text.p + at, n };
	if (is)
		*inside = (struct span){ text.p + at - tag, n + tag };
	return is;
}

static size_t
literal_length(struct span text)
{
	size_t n = 1;

	while (n < text.n && (of_label(text.p[n]) || text.p[n] == '.' ||
	    text.p[n] == ':'))
		n++;
	return n > 1 && n < text.n && text.p[n] == ']' ? n + 1 : 0;
}

size_t
hostname_length(struct span text)
{
	size_t n = 0;

	if (text.n && text.p[0] == '[')
		return literal_length(text);
	while (n < text.n && (of_label(text.p[n]) || text.p[n] == '.'))
		n++;
	while (n > 0 && text.p[n - 1] == '.')
		n--;
	return n;
}

/* The last label is one of a domain, or the whole is an address: not the digits
 * of a version or of a status code. */
static bool
is_dotted_name(struct span name)
{
	size_t label = name.n, dots = 0;
	bool letters = false;

	while (label > 0 && name.p[label - 1] != '.')
		letters |= !is_digit(name.p[--label]);
	for (size_t i = 0; i < name.n; i++)
		dots += name.p[i] == '.';
	if (letters)
		return name.n - label > 1 && name.p[0] != '.';
	return dots == 3;
}

static bool
is_protocol(struct span word)
{
	return span_is(word, "ESMTP") || span_is(word, "SMTP") ||
	    span_is(word, "LMTP");
}

/* Only its place tells a name of one label from a word, or its looks: "mx1". */
static bool
is_label(struct span name, struct span rest)
{
	bool letter = false, digit = false;
	struct span next;

	rest = span_trim(rest);
	next = span_word(&rest);
	if (name.n < 2 || is_protocol(name))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		letter |= is_letter(name.p[i]);
		digit |= is_digit(name.p[i]);
	}
	return (letter && digit) || is_protocol(next) ||
	    span_is(next, "Hello");
}

struct span
scrub_host(struct span text)
{
	size_t n = hostname_length(text);
	struct span name = { text.p, n }, rest = span_from(text, n);

	if (n == 0 || n > GATE_NAME_MAX)
		name.n = 0;
	else if (text.p[0] == '[')
		return name;
	else if (rest.n && !memchr(" \t,;:.()", rest.p[0], 8))
		name.n = 0;
	else if (!(memchr(name.p, '.', n) ? is_dotted_name(name) :
	    is_label(name, rest)))
		name.n = 0;
	return name;
}
