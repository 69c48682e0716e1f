#include "inspect/message.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t
message_name(struct span s, size_t *colon)
{
	size_t n = 0;

	while (n < s.n && s.p[n] > ' ' && s.p[n] < 0x7f && s.p[n] != ':')
		n++;
	*colon = n;
	while (*colon < s.n && is_blank(s.p[*colon]))
		++*colon;
	return *colon < s.n && s.p[*colon] == ':' ? n : 0;
}

/* Octets of the field at the front of s, its folded lines and last line end
 * included; 0 if it is not whole. */
static size_t
field_length(struct span s)
{
	size_t n = 0;

	do {
		size_t line = span_line(span_from(s, n));

		if (!line)
			return 0;
		n += line;
	} while (n < s.n && is_blank(s.p[n]));
	return n;
}

bool
message_next(struct span *header, struct message_field *field)
{
	size_t colon, name = message_name(*header, &colon);
	size_t n = name ? field_length(*header) : 0;
	struct span whole;

	if (!n)
		return false;
	whole = span_cut(header, n);
	field->name = (struct span){ whole.p, name };
	field->body = span_chomp(span_from(whole, colon + 1));
	return true;
}

/* Octets to leave off so that out ends with a whole UTF-8 character. */
static size_t
partial(const char *out, size_t n)
{
	for (size_t back = 1; back <= 3 && back <= n; back++) {
		unsigned char u = (unsigned char)out[n - back];

		if ((u & 0xc0) == 0x80)
			continue;
		if (u >= 0xc0 && back < (u < 0xe0 ? 2u : u < 0xf0 ? 3u : 4u))
			return back;
		break;
	}
	return 0;
}

size_t
message_unfold(struct span body, char *out, size_t room)
{
	size_t n = 0, i = 0;

	for (body = span_chomp(body); i < body.n && n < room; i++) {
		char c = body.p[i];

		if (c == '\r' && i + 1 < body.n && body.p[i + 1] == '\n')
			continue;
		if (c == '\n' || (n == 0 && is_blank(c)))
			continue;
		out[n++] = c;
	}
	if (i < body.n)
		n -= partial(out, n);
	while (n > 0 && is_blank(out[n - 1]))
		n--;
	return n;
}
