#include "proxy/action.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/term.h"

#define ACCEPTED "event, mask, tag WORD, reset, drop [CODE [X.Y.Z] [TEXT]], " \
	"reject CODE [X.Y.Z] [TEXT] or rate-limit N/s, N/m or N/h is accepted"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 4yz or 5yz: RFC 5321 4.2.1. */
static bool
is_code(struct span s)
{
	return s.n == 3 && (s.p[0] == '4' || s.p[0] == '5') && s.p[1] >= '0' &&
	    s.p[1] <= '5' && is_digit(s.p[2]);
}

/* "4.5.3": RFC 3463 2. */
static bool
is_enhanced(struct span s)
{
	size_t i = 0;

	for (int part = 0; part < 3; part++) {
		size_t begin = i;

		while (i < s.n && is_digit(s.p[i]))
			i++;
		if (i == begin || i > begin + 3)
			return false;
		if (part < 2 && (i >= s.n || s.p[i++] != '.'))
			return false;
	}
	return i == s.n;
}

static struct span
next_word(struct span *s)
{
	*s = span_trim(*s);
	return span_word(s);
}

static bool
take_reply(struct action *a, struct span rest)
{
	struct span before;

	a->code = next_word(&rest);
	if (!is_code(a->code))
		return false;
	before = rest;
	a->enhanced = next_word(&rest);
	if (!is_enhanced(a->enhanced)) {
		a->enhanced.n = 0;
		rest = before;
	}
	a->text = span_trim(rest);
	return a->enhanced.n == 0 || a->enhanced.p[0] == a->code.p[0];
}

void
action_take_reply(struct action *a, const char *reply)
{
	(void)take_reply(a, span_of(reply));
}

static bool
take_rate(struct action *a, const char *text)
{
	static const struct { const char *unit; double seconds; } units[] = {
		{ "/s", 1 }, { "/m", 60 }, { "/h", 3600 },
	};
	char *unit;
	double n = strtod(text, &unit);

	if (!is_digit(text[0]) ||
	    strspn(text, "0123456789.") != (size_t)(unit - text))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(unit, units[i].unit) == 0)
			a->rate = n / units[i].seconds;
	a->burst = n;
	return a->rate > 0 && a->rate <= 1e6;
}

static bool
take_tag(struct action *a, struct span rest)
{
	a->tag = rest.p;
	return rest.n && term_word(NULL, rest.p) == NULL;
}

const char *
action_parse(const char *text, struct action *a)
{
	static const struct { const char *name; enum policy_action what; }
	    actions[] = {
		{ "event", POLICY_TELL }, { "mask", POLICY_MASK },
		{ "tag", POLICY_TAG }, { "reject", POLICY_REJECT },
		{ "drop", POLICY_DROP }, { "reset", POLICY_RESET },
		{ "rate-limit", POLICY_RATE },
	};
	struct span rest = span_of(text), name = next_word(&rest);
	bool right = false;

	*a = (struct action){ .what = POLICY_ACTIONS };
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (span_is(name, actions[i].name))
			a->what = actions[i].what;
	rest = span_trim(rest);
	if (a->what == POLICY_REJECT)
		right = take_reply(a, rest);
	else if (a->what == POLICY_DROP)
		right = rest.n == 0 || take_reply(a, rest);
	else if (a->what == POLICY_TAG)
		right = take_tag(a, rest);
	else if (a->what == POLICY_RATE)
		right = take_rate(a, rest.p);
	else
		right = a->what != POLICY_ACTIONS && rest.n == 0;
	if (right && a->text.n && term_line(NULL, a->text.p) != NULL)
		return "a text of printable ASCII, at most 400 octets, is "
		    "accepted";
	return right ? NULL : ACCEPTED;
}

size_t
action_reply(const struct action *a, struct span host, const char *reason,
    char out[POLICY_REPLY_MAX])
{
	bool limited = a->what == POLICY_RATE;
	struct span code = a->code, enhanced = a->enhanced, text = a->text;
	bool names, preset = code.n == 0;
	int n;

	if (preset) {
		code = limited ? SPAN("450") : SPAN("421");
		enhanced = limited ? SPAN("4.7.1") : SPAN("4.7.0");
	}
	names = memcmp(code.p, "421", 3) == 0;
	if (names && host.n > TERM_LINE_MAX / 4)
		host.n = TERM_LINE_MAX / 4;
	n = snprintf(out, POLICY_REPLY_MAX, "%.*s%s%.*s%s%.*s %s%.*s%.60s\r\n",
	    (int)code.n, code.p, enhanced.n ? " " : "", (int)enhanced.n,
	    enhanced.p ? enhanced.p : "", names ? " " : "",
	    names ? (int)host.n : 0, host.p,
	    text.n ? "" : names ? "closing: " :
	    limited ? "too often, try again later: " : "refused: ",
	    (int)text.n, text.p ? text.p : "", text.n ? "" : reason);
	return n < POLICY_REPLY_MAX ? (size_t)n : POLICY_REPLY_MAX;
}
