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
starts_line(struct span s, size_t i, bool line_start)
{
	return i == 0 ? line_start : i > 1 && is_crlf(s, i - 2);
}

/* NULs at a line start, with a dot behind them or nothing known: a server that
 * drops NUL would make this a line of one dot. */
static bool
hides_dot(struct span s, size_t i, bool line_start)
{
	size_t from = i, to = i;

	while (from && s.p[from - 1] == '\0')
		from--;
	while (to < s.n && s.p[to] == '\0')
		to++;
	return to > i && starts_line(s, from, line_start) &&
	    (to == s.n || s.p[to] == '.');
}

/* A dot, CR and NUL, LF; not as the end of data, which is no content. */
static bool
is_dot_line(struct span s, size_t i)
{
	size_t n = i + 1;

	if (s.p[i] != '.')
		return false;
	while (n < s.n && (s.p[n] == '\r' || s.p[n] == '\0'))
		n++;
	return n < s.n && s.p[n] == '\n';
}

size_t
newline_next(struct span raw, struct span rest, bool line_start,
    enum newline_what *what)
{
	size_t first = raw.n - rest.n;

	for (size_t i = first; i < raw.n; i++) {
		*what = NEWLINE_BLANK;
		if (is_bare(raw, i) || hides_dot(raw, i, line_start))
			return i - first;
		*what = NEWLINE_STUFF;
		if (starts_line(raw, i, line_start) && is_dot_line(raw, i))
			return i - first;
	}
	return rest.n;
}

size_t
newline_first(struct span content)
{
	size_t i = 0;

	while (i < content.n && content.p[i] && !is_bare(content, i))
		i++;
	return i;
}
