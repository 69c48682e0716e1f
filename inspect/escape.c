/* escape: bytes as text that is safe on a terminal and in an editor; of
 * transcript.h. */
#include "inspect/transcript.h"

/* Valid UTF-8 that a terminal does not show as a character: C1 controls,
 * direction overrides and other format characters, noncharacters. */
static const struct {
	unsigned long first, last;
} unprintable[] = {
	{ 0x80, 0x9f }, { 0x61c, 0x61c }, { 0x180e, 0x180e },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb },
	{ 0xfffe, 0xffff }, { 0x1fffe, 0x1ffff }, { 0xe0000, 0x10ffff },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool
shown(unsigned long c)
{
	for (size_t i = 0; i < COUNT(unprintable); i++)
		if (c >= unprintable[i].first && c <= unprintable[i].last)
			return false;
	return true;
}

/* Octets of the printable character at the front of s; 0 if there is none.
 * Overlong forms and surrogates are none (RFC 3629 3). */
static size_t
printable(struct span s)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)s.p[0];
	size_t n = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	unsigned long c = lead & (0xffu >> (n + 1));

	if (lead < 0x80)
		return (lead >= ' ' && lead < 0x7f) || lead == '\t';
	if (n == 1 || lead > 0xf4 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		unsigned char u = (unsigned char)s.p[i];

		if ((u & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u & 0x3f);
	}
	if (c < least[n] || (c >= 0xd800 && c <= 0xdfff) || !shown(c))
		return 0;
	return n;
}

/* Escape the octet c; 2 or 4 octets. */
static size_t
escape_octet(char c, char *out)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char u = (unsigned char)c;

	out[0] = '\\';
	switch (c) {
	case '\\':
		out[1] = '\\';
		return 2;
	case '\r':
		out[1] = 'r';
		return 2;
	case '\n':
		out[1] = 'n';
		return 2;
	default:
		out[1] = 'x';
		out[2] = hex[u >> 4];
		out[3] = hex[u & 15];
		return 4;
	}
}

/* The octet at the front of s is printable but would be read as something
 * else, or lost by an editor. */
static bool
misleading(struct span s, bool front)
{
	if (s.p[0] == '\\')
		return true;
	if (s.n == 1 && (s.p[0] == ' ' || s.p[0] == '\t'))
		return true;
	return front && s.p[0] == '[' && (s.n == 1 || (s.p[1] >= '0' && s.p[1] <= '9'));
}

size_t
transcript_escape(struct span *in, bool front, char *out, size_t room)
{
	size_t used = 0;

	while (in->n && room - used >= 4) {
		size_t n = misleading(*in, front) ? 0 : printable(*in);

		if (n) {
			memcpy(out + used, span_cut(in, n).p, n);
			used += n;
		} else {
			used += escape_octet(span_cut(in, 1).p[0], out + used);
		}
		front = false;
	}
	return used;
}

size_t
transcript_time(int64_t t_us, char out[TRANSCRIPT_TIME_MAX])
{
	char digits[TRANSCRIPT_TIME_MAX];
	size_t n = 0, used = 0;

	for (; n < 7 || t_us > 0; t_us /= 10) {
		if (n == 6)
			digits[n++] = '.';
		digits[n++] = (char)('0' + t_us % 10);
	}
	out[used++] = '+';
	while (n > 0)
		out[used++] = digits[--n];
	return used;
}
