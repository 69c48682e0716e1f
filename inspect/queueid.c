/* queueid: finds the server's queue id in its reply; of smtp.h. */
#include "inspect/smtp.h"

static const struct row {
	const char *before, *after;
	bool digit;
} rows[] = {
#define QUEUE_ID(server, before, after, digit, example) \
	{ before, after, digit },
#include "inspect/queueids.def"
#undef QUEUE_ID
};

/* Octets of ids: no blanks, no controls, no punctuation that sets one apart. */
static bool
of_id(char c)
{
	unsigned char u = (unsigned char)c;

	return u > ' ' && u < 0x7f && !memchr("<>()[],;\"", c, 9);
}

static bool
has_digit(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9')
			return true;
	return false;
}

/* The word at the front of s, without the punctuation of the sentence. */
static struct span
id_word(struct span s)
{
	size_t n = 0;

	while (n < s.n && of_id(s.p[n]))
		n++;
	while (n > 0 && (s.p[n - 1] == '.' || s.p[n - 1] == ':'))
		n--;
	return (struct span){ s.p, n };
}

/* The word at `at` is this row's id; n = 0 if not. */
static struct span
fits(const struct row *row, struct span text, size_t at)
{
	struct span id = id_word(span_from(text, at));
	struct span rest = span_from(text, at + id.n);

	if (row->after[0] == '$' ? rest.n > 0 :
	    !span_starts(rest, row->after))
		id.n = 0;
	if (row->digit && !has_digit(id))
		id.n = 0;
	return id;
}

/* A phrase begins at a word, and so does an id without one before it. */
static bool
begins_word(struct span text, size_t at)
{
	return at == 0 || !of_id(text.p[at - 1]) || !of_id(text.p[at]);
}

struct span
smtp_queue_id(struct span text)
{
	text = span_trim(span_chomp(text));
	/* "2.0.0 Message accepted for delivery" has no id in front */
	text = span_from(text, smtp_enhanced(250, text).n);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		size_t n = strlen(rows[r].before);

		for (size_t at = 0; at + n < text.n; at++) {
			struct span id = { NULL, 0 };

			if (begins_word(text, at) &&
			    span_starts(span_from(text, at), rows[r].before))
				id = fits(&rows[r], text, at + n);
			if (id.n)
				return id;
		}
	}
	return (struct span){ NULL, 0 };
}
