#include "replay/compare.h"

#include "replay/normalise.h"

bool
compare_level(const char *word, enum compare_level *level)
{
	static const char *const names[] = { "off", "code", "enhanced", "text" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(word, names[i]) == 0) {
			*level = (enum compare_level)i;
			return true;
		}
	return false;
}

static bool
same_bytes(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Cut the next line off *lines, without its line end. */
static struct span
next_line(struct span *lines)
{
	size_t n = span_line(*lines);

	return span_chomp(span_cut(lines, n ? n : lines->n));
}

static bool
same_text(enum smtp_verb verb, struct span a, struct span b)
{
	/* A name may be longer than what it replaces: "1 s". */
	char was[4 * NORMALISE_LINE_MAX], is[4 * NORMALISE_LINE_MAX];
	struct span left, right;
	size_t nwas, nis;

	for (size_t number = 0; a.n && b.n; number++) {
		left = next_line(&a);
		right = next_line(&b);
		if (same_bytes(left, right))
			continue;
		if (left.n > NORMALISE_LINE_MAX || right.n > NORMALISE_LINE_MAX)
			return false;
		nwas = normalise_line(verb, number, left, was, sizeof was);
		nis = normalise_line(verb, number, right, is, sizeof is);
		if (nwas != nis || memcmp(was, is, nis) != 0)
			return false;
	}
	return a.n == 0 && b.n == 0;
}

static struct span
enhanced(const struct compare_reply *r)
{
	struct span lines = r->lines, text;
	int code = normalise_code(next_line(&lines), &text);

	return smtp_enhanced(code, text);
}

bool
compare_same(enum compare_level level, const struct compare_reply *a,
    const struct compare_reply *b)
{
	switch (level) {
	case COMPARE_OFF:
		return true;
	case COMPARE_CODE:
		return a->code == b->code;
	case COMPARE_ENHANCED:
		return a->code == b->code &&
		    same_bytes(enhanced(a), enhanced(b));
	case COMPARE_TEXT:
		return a->code == b->code &&
		    same_text(a->verb, a->lines, b->lines);
	}
	return false;
}
