#include "inspect/phrase.h"

enum keeps { NOTHING, PATH, ID, NAMES, DATA };

enum { SMTP_ANY = SMTP_VERBS };

static const struct row {
	int code, verb;
	enum keeps keeps;
	const char *words;
} rows[] = {
#define PHRASE(code, verb, keeps, words, section) \
	{ code, SMTP_##verb, keeps, words },
#include "inspect/phrases.def"
#undef PHRASE
};

static bool
is_about(const struct row *row, int code, enum smtp_verb verb)
{
	return (row->code == code || row->code == code / 100 ||
	    row->code == 0) &&
	    (row->verb == SMTP_ANY || row->verb == (int)verb);
}

/* "<...>" without blanks in it; n = 0: there is none. */
static struct span
find_path(struct span text)
{
	const char *open = text.n ? memchr(text.p, '<', text.n) : NULL;
	size_t n = 0;

	if (!open)
		return (struct span){ NULL, 0 };
	text = span_from(text, (size_t)(open - text.p));
	while (n < text.n && text.p[n] != '>')
		if ((unsigned char)text.p[n++] <= ' ')
			return (struct span){ NULL, 0 };
	return (struct span){ text.p, n < text.n ? n + 1 : 0 };
}

/* The row stands for this text. */
static bool
fits(const struct row *row, struct span text, bool with_id, struct phrase *p)
{
	*p = (struct phrase){ .words = span_of(row->words) };
	switch (row->keeps) {
	case NOTHING:
		break;
	case PATH:
	case ID:
		p->keeps = PHRASE_PART;
		if (row->keeps == PATH)
			p->part = find_path(text);
		else if (with_id)
			p->part = smtp_queue_id(text);
		return p->part.n > 0;
	case NAMES:
		p->keeps = PHRASE_NAMES;
		break;
	case DATA:
		p->keeps = PHRASE_DATA;
		break;
	}
	return true;
}

struct phrase
phrase_find(int code, enum smtp_verb verb, struct span text, bool with_id)
{
	struct phrase p;

	/* the last row is about all and always fits */
	for (const struct row *row = rows; ; row++)
		if (is_about(row, code, verb) && fits(row, text, with_id, &p))
			return p;
}
