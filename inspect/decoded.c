#include "inspect/decoded.h"

static void
put(struct decoded *d, int octet)
{
	if (d->octets < d->room)
		d->out[d->octets] = (char)octet;
	d->octets++;
}

/* -1: c is no digit of that base. */
static int
hex_digit(char c)
{
	unsigned char lower = span_lower(c);

	return lower >= '0' && lower <= '9' ? lower - '0' :
	    lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static int
base64_digit(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ?
	    c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 :
	    c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Two digits behind an escape mark at the front of s; -1: there are not. */
static int
escaped_octet(struct span s)
{
	int high, low;

	if (s.n < 3)
		return -1;
	high = hex_digit(s.p[1]);
	low = hex_digit(s.p[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Every MARK XX in s is an octet. */
static void
put_escaped(struct decoded *d, struct span s, char mark, bool underscore)
{
	while (s.n) {
		int octet = s.p[0] == mark ? escaped_octet(s) : -1;

		if (octet >= 0) {
			put(d, octet);
			s = span_from(s, 3);
			continue;
		}
		put(d, underscore && s.p[0] == '_' ? ' ' : s.p[0]);
		s = span_from(s, 1);
	}
}

static void
put_base64(struct decoded *d, struct span s)
{
	unsigned bits = 0, n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int digit = base64_digit(s.p[i]);

		if (digit < 0)
			continue;
		bits = (bits << 6 | (unsigned)digit) & 0xfff;
		n += 6;
		if (n >= 8) {
			n -= 8;
			put(d, (int)(bits >> n & 0xff));
		}
	}
}

/* =?charset?B?text?= (RFC 2047 2). */
struct word {
	struct span text;
	bool base64;
};

/* Octets of the encoded word at the front of s; 0: there is none. Every
 * part ends at the next mark: no octet is looked at by many calls. */
static size_t
word_length(struct span s, struct word *w)
{
	size_t at = 2;
	const char *end;

	if (s.n < 2 || s.p[0] != '=' || s.p[1] != '?')
		return 0;
	while (at < s.n && s.p[at] > ' ' && s.p[at] != '?' && s.p[at] != '=')
		at++;
	if (at == 2 || s.n - at < 5 || s.p[at] != '?' || s.p[at + 2] != '?')
		return 0;
	w->base64 = span_lower(s.p[at + 1]) == 'b';
	if (!w->base64 && span_lower(s.p[at + 1]) != 'q')
		return 0;
	w->text = span_from(s, at + 3);
	end = memchr(w->text.p, '?', w->text.n);
	if (end == NULL || end + 1 == s.p + s.n || end[1] != '=')
		return 0;
	w->text.n = (size_t)(end - w->text.p);
	return (size_t)(end - s.p) + 2;
}

/* Blanks between two encoded words are not part of the text (6.2). */
static struct span
behind_word(struct span s)
{
	struct span rest = s;
	struct word next;

	while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t'))
		rest = span_from(rest, 1);
	return word_length(rest, &next) ? rest : s;
}

void
decoded_text(struct decoded *d, struct span s, bool quoted)
{
	while (s.n) {
		struct word w;
		size_t n = word_length(s, &w);

		if (n) {
			if (w.base64)
				put_base64(d, w.text);
			else
				put_escaped(d, w.text, '=', true);
			s = behind_word(span_from(s, n));
			continue;
		}
		if (quoted && s.p[0] == '\\' && s.n > 1)
			s = span_from(s, 1);
		put(d, s.p[0]);
		s = span_from(s, 1);
	}
}

void
decoded_percent(struct decoded *d, struct span s, bool charset)
{
	const char *end = charset ? memchr(s.p, '\'', s.n) : NULL;

	if (end)
		end = memchr(end + 1, '\'', s.n - (size_t)(end + 1 - s.p));
	if (end)
		s = span_from(s, (size_t)(end + 1 - s.p));
	put_escaped(d, s, '%', false);
}
