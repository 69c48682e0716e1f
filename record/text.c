#include "record/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_FIRST	256	/* octets of the first allocation */

void
text_free(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}

void
text_clear(struct text *t)
{
	t->n = 0;
	t->failed = false;
}

/* Room for n more octets. Doubling keeps appends linear. */
static bool
text_reserve(struct text *t, size_t n)
{
	size_t room = t->room ? t->room : TEXT_FIRST;
	char *p;

	if (n <= t->room - t->n)
		return true;
	if (n > SIZE_MAX / 4 - t->n)
		goto fail;
	while (room - t->n < n)
		room *= 2;
	p = realloc(t->p, room);
	if (!p)
		goto fail;
	t->p = p;
	t->room = room;
	return true;
fail:
	t->failed = true;
	return false;
}

char *
text_grow(struct text *t, size_t n)
{
	char *end;

	if (!text_reserve(t, n))
		return NULL;
	end = t->p ? t->p + t->n : NULL;
	t->n += n;
	return end;
}

void
text_put(struct text *t, const void *bytes, size_t n)
{
	char *end;

	if (n == 0)
		return;
	end = text_grow(t, n);
	if (end)
		memcpy(end, bytes, n);
}

void
text_span(struct text *t, struct span s)
{
	text_put(t, s.p, s.n);
}

void
text_str(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

void
text_int(struct text *t, int64_t value)
{
	char digits[20], *p = digits + sizeof(digits);
	uint64_t left = (uint64_t)value;

	if (value < 0)
		left = 0 - left;
	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) != 0);
	if (value < 0)
		*--p = '-';
	text_put(t, p, (size_t)(digits + sizeof(digits) - p));
}

void
text_printf(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	/* One octet more: vsnprintf ends with a NUL that is not kept. */
	if (n < 0 || !text_reserve(t, (size_t)n + 1)) {
		t->failed = true;
		return;
	}
	va_start(args, format);
	(void)vsnprintf(t->p + t->n, (size_t)n + 1, format, args);
	va_end(args);
	t->n += (size_t)n;
}

/* Octets of the UTF-8 character at the front of s (RFC 3629 section 4: no
 * overlong form, no surrogate, nothing above 10FFFF); 0 if there is none. */
static size_t
utf8_length(struct span s)
{
	static const struct { unsigned char low, high, n, second, last; } forms[] = {
		{ 0x00, 0x7f, 1, 0, 0 },
		{ 0xc2, 0xdf, 2, 0x80, 0xbf },
		{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
		{ 0xe1, 0xec, 3, 0x80, 0xbf },
		{ 0xed, 0xed, 3, 0x80, 0x9f },
		{ 0xee, 0xef, 3, 0x80, 0xbf },
		{ 0xf0, 0xf0, 4, 0x90, 0xbf },
		{ 0xf1, 0xf3, 4, 0x80, 0xbf },
		{ 0xf4, 0xf4, 4, 0x80, 0x8f },
	};
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0, n;

	while (i < sizeof(forms) / sizeof(*forms) &&
	    (p[0] < forms[i].low || p[0] > forms[i].high))
		i++;
	if (i == sizeof(forms) / sizeof(*forms) || s.n < forms[i].n)
		return 0;
	n = forms[i].n;
	if (n > 1 && (p[1] < forms[i].second || p[1] > forms[i].last))
		return 0;
	for (size_t k = 2; k < n; k++)
		if ((p[k] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* One octet that JSON cannot have as it is. NUL is no \u0000: SQLite's JSON
 * functions end a string there. */
static void
json_octet(struct text *t, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = c ? strchr(named, c) : NULL;
	char out[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (at) {
		out[1] = letters[at - named];
		text_put(t, out, 2);
	} else if (c == 0 || c >= 0x80) {
		memcpy(out, "\\\\x", 3);
		out[3] = hex[c >> 4];
		out[4] = hex[c & 15];
		text_put(t, out, 5);
	} else {
		text_put(t, out, 6);
	}
}

/* Octets at the front of s that stand in a JSON string as they are. */
static size_t
json_plain(struct span s)
{
	size_t n = 0, character;

	while (n < s.n) {
		unsigned char c = (unsigned char)s.p[n];

		if (c < 0x20 || c == '"' || c == '\\')
			break;
		character = c < 0x80 ? 1 : utf8_length(span_from(s, n));
		if (character == 0)
			break;
		n += character;
	}
	return n;
}

void
text_json(struct text *t, struct span s)
{
	text_put(t, "\"", 1);
	while (s.n) {
		text_span(t, span_cut(&s, json_plain(s)));
		if (s.n)
			json_octet(t, (unsigned char)*span_cut(&s, 1).p);
	}
	text_put(t, "\"", 1);
}

/* Octets at the front of s that a plain text can have as they are. */
static size_t
printable(struct span s)
{
	size_t n = 0, character;

	while (n < s.n && s.p[n]) {
		character = s.p[n] & 0x80 ? utf8_length(span_from(s, n)) : 1;
		if (character == 0)
			break;
		n += character;
	}
	return n;
}

/* \xNN */
static void
hexadecimal(char out[4], char octet)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)octet;

	out[0] = '\\';
	out[1] = 'x';
	out[2] = hex[c >> 4];
	out[3] = hex[c & 15];
}

void
text_printable(struct text *t, struct span s)
{
	char escaped[4];

	while (s.n) {
		text_span(t, span_cut(&s, printable(s)));
		if (s.n) {
			hexadecimal(escaped, *span_cut(&s, 1).p);
			text_put(t, escaped, sizeof escaped);
		}
	}
}

void
text_copy(char *to, size_t room, struct span s)
{
	size_t n;

	for (room--; s.n; room -= n, to += n) {
		n = printable(s);
		if (n > room) {
			for (n = room; n && (s.p[n] & 0xc0) == 0x80; )
				n--;
			s.n = n;
		}
		memcpy(to, s.p, n);
		(void)span_cut(&s, n);
		if (n || s.n == 0)
			continue;
		if (room < 4)
			break;
		hexadecimal(to, *span_cut(&s, 1).p);
		n = 4;
	}
	*to = '\0';
}
