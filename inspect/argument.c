/* argument: what stands behind the verbs and the reply codes (RFC 5321 4.1.2,
 * RFC 3463); of smtp.h. */
#include "inspect/smtp.h"

/* Octets of the path at the front of s, angle brackets included (4.1.2: a ">"
 * inside a quoted string does not end it); 0 if it is ill-formed. */
static size_t
bracketed(struct span s)
{
	bool quoted = false;

	if (!s.n || s.p[0] != '<')
		return 0;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '\\' && quoted)
			i++;
		else if (s.p[i] == '>' && !quoted)
			return i + 1;
	}
	return 0;
}

/* Behind "FROM:" or "TO:"; all of it if there is no colon. */
static struct span
behind_colon(struct span argument)
{
	const char *colon = argument.n ?
	    memchr(argument.p, ':', argument.n) : NULL;

	if (colon)
		argument = span_from(argument,
		    (size_t)(colon - argument.p) + 1);
	return span_trim(argument);
}

/* Without "@one,@two:", which servers must ignore (RFC 5321 C). */
static struct span
without_route(struct span path)
{
	bool literal = false;

	if (!path.n || path.p[0] != '@')
		return path;
	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] == '[' || path.p[i] == ']')
			literal = path.p[i] == '[';
		else if (path.p[i] == ':' && !literal)
			return span_from(path, i + 1);
	}
	return path;
}

struct span
smtp_path(struct span argument)
{
	struct span s = behind_colon(argument);
	size_t n = bracketed(s);

	if (!n)
		return s;
	return without_route((struct span){ s.p + 1, n - 2 });
}

struct span
smtp_parameter(struct span argument, const char *keyword)
{
	struct span s = behind_colon(argument);
	size_t path = bracketed(s), n = strlen(keyword);

	if (path)
		s = span_from(s, path);
	else
		(void)span_word(&s);
	for (s = span_trim(s); s.n; s = span_trim(s)) {
		struct span word = span_word(&s);

		if (!span_starts(word, keyword))
			continue;
		if (word.n == n)
			return span_from(word, n);
		if (word.p[n] == '=')
			return span_from(word, n + 1);
	}
	return (struct span){ NULL, 0 };
}

/* Octets of the 1-3 digits at the front of s; 0: none, or more than three. */
static size_t
digits(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return n <= 3 ? n : 0;
}

struct span
smtp_enhanced(int code, struct span text)
{
	static const struct span none = { NULL, 0 };
	struct span s = text;
	size_t n;

	/* the class is that of the code (RFC 2034 4) */
	if (s.n < 5 || s.p[0] != '0' + code / 100 || s.p[1] != '.' ||
	    !memchr("245", s.p[0], 3))
		return none;
	s = span_from(s, 2);
	n = digits(s);
	if (!n || n == s.n || s.p[n] != '.')
		return none;
	s = span_from(s, n + 1);
	n = digits(s);
	if (!n || (n < s.n && s.p[n] != ' ' && s.p[n] != '\t'))
		return none;
	return (struct span){ text.p, (size_t)(s.p + n - text.p) };
}
