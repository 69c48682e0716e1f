#include "replay/match.h"

/* Parameters whose value is another with every message. */
static const char *const volatile_parameters[] = { "SIZE", "ENVID", "AUTH" };

static bool
same_bytes(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool
alike(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || span_alike(a.p, b.p, a.n));
}

/* Cut KEYWORD off KEYWORD=value. */
static struct span
cut_keyword(struct span *parameter)
{
	const char *equals = memchr(parameter->p, '=', parameter->n);

	return span_cut(parameter, equals ? (size_t)(equals - parameter->p) :
	    parameter->n);
}

static bool
same_parameter(struct span a, struct span b)
{
	struct span name = cut_keyword(&a), other = cut_keyword(&b);

	if (!alike(name, other) || (a.n == 0) != (b.n == 0))
		return false;
	for (size_t i = 0; i < sizeof volatile_parameters /
	    sizeof *volatile_parameters; i++)
		if (span_is(name, volatile_parameters[i]))
			return true;
	return same_bytes(a, b);
}

/* What stands behind the path. */
static struct span
parameters(struct span argument)
{
	struct span path = smtp_path(argument);
	const char *end = path.p + path.n;

	if (end < argument.p + argument.n && *end == '>')
		end++;
	return span_from(argument, (size_t)(end - argument.p));
}

static bool
same_envelope(struct span a, struct span b)
{
	struct span left, right;

	if (!same_bytes(smtp_path(a), smtp_path(b)))
		return false;
	a = span_trim(parameters(a));
	b = span_trim(parameters(b));
	while (a.n && b.n) {
		left = span_word(&a);
		right = span_word(&b);
		if (!same_parameter(left, right))
			return false;
		a = span_trim(a);
		b = span_trim(b);
	}
	return a.n == 0 && b.n == 0;
}

/* The mechanism, and whether an initial response is there. */
static bool
same_auth(struct span a, struct span b)
{
	struct span mechanism = span_word(&a), other = span_word(&b);

	return alike(mechanism, other) &&
	    (span_trim(a).n == 0) == (span_trim(b).n == 0);
}

static bool
same_argument(enum smtp_verb verb, struct span was, struct span is)
{
	switch (verb) {
	case SMTP_EHLO:
	case SMTP_HELO:
	case SMTP_LHLO:
	case SMTP_BDAT:
	case SMTP_BDAT_LAST:
		return true;
	case SMTP_MAIL:
	case SMTP_RCPT:
	case SMTP_SEND:
	case SMTP_SOML:
	case SMTP_SAML:
		if (was.n == 0 || is.n == 0)
			return was.n == is.n;
		return same_envelope(was, is);
	case SMTP_AUTH:
	case SMTP_XEXPS:
		return same_auth(was, is);
	default:
		return same_bytes(was, is);
	}
}

bool
match_line(const struct script *s, const struct script_tile *t,
    const struct smtp_event *ev, bool verbs)
{
	if (t->tile != ev->tile || t->verb != ev->verb)
		return false;
	if (ev->tile == SMTP_CREDENTIAL)
		return span_is(script_text(s, t), "*") ==
		    span_is(ev->text, "*");
	if (ev->tile != SMTP_COMMAND)
		return true;
	if (verbs && ev->verb != SMTP_UNKNOWN)
		return true;
	return same_argument(ev->verb, script_text(s, t), ev->text);
}
