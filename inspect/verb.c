/* verb: the word a command line begins with, and what is known of it. */
#include "inspect/engine.h"

const struct engine_verb engine_verbs[SMTP_VERBS] = {
#define VERB(symbol, keyword, flow, last_in_group, secret, section) \
	[SMTP_##symbol] = { keyword, sizeof(keyword) - 1, FLOW_##flow, \
	    last_in_group, secret, section },
#include "inspect/verbs.def"
#undef VERB
};

/* Servers end a verb at any of these, Postfix at VT and FF, too, some at NUL and
 * CR: the reply tells whether this one did (SECURITY 1.5). */
static bool
ends_word(char c)
{
	return c == '\0' || memchr(" \t\v\f\r\n", c, 6) != NULL;
}

static size_t
word_length(struct span line)
{
	size_t n = 0;

	while (n < line.n && !ends_word(line.p[n]))
		n++;
	return n;
}

enum smtp_verb
engine_lookup(struct span *line)
{
	const struct engine_verb *v;
	size_t n = word_length(*line);

	for (int i = SMTP_EHLO; i < SMTP_VERBS; i++) {
		v = &engine_verbs[i];
		if (v->n == n && span_alike(line->p, v->keyword, n)) {
			*line = span_from(*line, n);
			return (enum smtp_verb)i;
		}
	}
	return SMTP_UNKNOWN;
}

struct span
engine_behind_blanks(struct span line)
{
	while (line.n && memchr(" \t\r\v\f", line.p[0], 5))
		line = span_from(line, 1);
	return line;
}

struct span
smtp_verb_word(struct span line)
{
	line = engine_behind_blanks(line);
	return (struct span){ line.p, word_length(line) };
}
