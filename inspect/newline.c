/* newline: line ends in mail data that are none (RFC 5321 2.3.8). */
#include "inspect/gating.h"

static bool
is_crlf(struct span s, size_t i)
{
	return i + 1 < s.n && s.p[i] == '\r' && s.p[i + 1] == '\n';
}

/* A CR without its LF, an LF without its CR. */
static bool
is_bare(struct span s, size_t i)
{
	if (s.p[i] == '\r')
		return !is_crlf(s, i);
	return s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r');
}

static bool
starts_line(struct span s, size_t i, enum newline_at at)
{
	return i == 0 ? at == NEWLINE_AT_START : i > 1 && is_crlf(s, i - 2);
}

/* NULs at a line start: a server that drops NUL could make this a line of one dot.
 * What is behind them is not looked at: it may not have come yet. */
static bool
may_hide_dot(struct span s, size_t i, enum newline_at at)
{
	if (s.p[i] != '\0')
		return false;
	while (i && s.p[i - 1] == '\0')
		i--;
	return i == 0 ? at != NEWLINE_WITHIN : starts_line(s, i, at);
}

#define CRUD_MAX 8	/* CR and NUL that are looked through */

/* A dot, CR and NUL, LF; not as the end of data, which is no content. Behind so
 * much crud, or what ends with it, the LF is not waited for. */
static bool
is_dot_line(struct span s, size_t i)
{
	size_t n = i + 1;

	if (s.p[i] != '.')
		return false;
	while (n < s.n && (s.p[n] == '\r' || s.p[n] == '\0'))
		n++;
	return n == s.n || n - i > CRUD_MAX || s.p[n] == '\n';
}

size_t
newline_next(struct span raw, struct span rest, enum newline_at at,
    enum newline_what *what)
{
	size_t first = raw.n - rest.n;

	for (size_t i = first; i < raw.n; i++) {
		*what = NEWLINE_BLANK;
		if (is_bare(raw, i) || may_hide_dot(raw, i, at))
			return i - first;
		*what = NEWLINE_STUFF;
		if (starts_line(raw, i, at) && is_dot_line(raw, i))
			return i - first;
	}
	return rest.n;
}

enum newline_at
newline_behind(struct span raw, enum newline_at at)
{
	size_t n = raw.n;

	while (n && raw.p[n - 1] == '\0')
		n--;
	if (n == 0)
		return at == NEWLINE_WITHIN || raw.n == 0 ? at :
		    NEWLINE_AT_NULS;
	if (n < 2 || !is_crlf(raw, n - 2))
		return NEWLINE_WITHIN;
	return n == raw.n ? NEWLINE_AT_START : NEWLINE_AT_NULS;
}

size_t
newline_first(struct span content)
{
	size_t i = 0;

	while (i < content.n && content.p[i] && !is_bare(content, i))
		i++;
	return i;
}
