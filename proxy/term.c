#include "proxy/term.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "proxy/action.h"

#define PATTERN_MAX	4096	/* octets of a regular expression */
#define WORD_MAX	255

/* Octets from ' ' to '~', `least` to `most` of them. What we send ourselves
 * holds no other: no line of ours can become two. */
static bool
is_printable(const char *value, char least, size_t most)
{
	size_t n = 0;

	while (value[n] >= least && value[n] <= '~')
		n++;
	return n && n <= most && value[n] == '\0';
}

bool
term_is_yes(const char *value)
{
	return strcmp(value, "yes") == 0;
}

const char *
term_yes_no(void *field, const char *value)
{
	(void)field;
	return term_is_yes(value) || strcmp(value, "no") == 0 ? NULL :
	    "yes or no is accepted";
}

/* A host name or an address literal: RFC 5321 2.3.5, and _ as hosts have it. */
static size_t
host_length(const char *value)
{
	return strspn(value, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_[]:");
}

const char *
term_host(void *field, const char *value)
{
	size_t n = host_length(value);

	(void)field;
	return n && n <= WORD_MAX && value[n] == '\0' ? NULL :
	    "a host name is accepted";
}

/* A greeting begins with the server's name (RFC 5321 4.2); a single word
 * without a dot is rather one of the others misspelt. */
const char *
term_banner(void *field, const char *value)
{
	static const char *const names[] = { "keep", "mask", "mask-asa" };
	size_t n = host_length(value);
	unsigned i;

	(void)field;
	if (value_one_of(value, names, 3, &i))
		return NULL;
	if (n && is_printable(value, ' ', TERM_LINE_MAX) &&
	    (value[n] == ' ' || (value[n] == '\0' && strchr(value, '.'))))
		return NULL;
	return "keep, mask, mask-asa or a text of printable ASCII that begins "
	    "with a host name is accepted";
}

const char *
term_keyword(void *field, const char *value)
{
	size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	(void)field;
	return n && n <= 64 && value[n] == '\0' ? NULL :
	    "a keyword of letters, digits, - and _ is accepted";
}

const char *
term_line(void *field, const char *value)
{
	(void)field;
	return is_printable(value, ' ', TERM_LINE_MAX) && value[0] != ' ' ?
	    NULL : "a text of printable ASCII, at most 400 octets, is accepted";
}

const char *
term_word(void *field, const char *value)
{
	(void)field;
	return is_printable(value, '!', WORD_MAX) ? NULL :
	    "a word of printable ASCII is accepted";
}

uint64_t
term_as_verbs(const char *value)
{
	uint64_t bits = 0;

	for (unsigned v = SMTP_UNKNOWN + 1; v < SMTP_VERBS; v++)
		if (span_is(span_of(value), smtp_verb_name((enum smtp_verb)v)))
			bits |= UINT64_C(1) << v;
	return bits;
}

const char *
term_verb(void *field, const char *value)
{
	return term_keyword(field, value) == NULL ? NULL :
	    "the verb of a command is accepted: letters, digits and -";
}

/* A number and its unit; false: it is not one, or does not fit. */
static bool
read_octets(const char *value, uint64_t *octets)
{
	static const struct { const char *unit; unsigned shift; } units[] = {
		{ "", 0 }, { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 },
	};
	size_t n = strspn(value, "0123456789");

	if (n == 0 || n > 18)
		return false;
	*octets = strtoull(value, NULL, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(value + n, units[i].unit) == 0) {
			if (*octets > (uint64_t)INT64_MAX >> units[i].shift)
				return false;
			*octets <<= units[i].shift;
			return true;
		}
	return false;
}

uint64_t
term_as_octets(const char *value)
{
	uint64_t octets = 0;

	(void)read_octets(value, &octets);
	return octets;
}

const char *
term_number(void *field, const char *value)
{
	uint64_t octets;

	(void)field;
	return read_octets(value, &octets) ? NULL :
	    "a number like 0, 100, 64KiB or 10MiB is accepted";
}

const char *
term_octets(void *field, const char *value)
{
	uint64_t octets;

	(void)field;
	return read_octets(value, &octets) && octets ? NULL :
	    "a number of octets like 2048, 64KiB or 10MiB is accepted";
}

const char *
term_newline(void *field, const char *value)
{
	static const char *const names[] = { "pass", "normalize", "reject" };
	unsigned i;

	(void)field;
	return value_one_of(value, names, 3, &i) ? NULL :
	    "pass, normalize or reject is accepted";
}

const char *
term_refusal(void *field, const char *value)
{
	static const char *const names[] = { "event", "reject" };
	unsigned i;

	(void)field;
	return value_one_of(value, names, 2, &i) ? NULL :
	    "event or reject is accepted";
}

const char *
term_action(void *field, const char *value)
{
	struct action a;

	(void)field;
	return action_parse(value, &a);
}

static bool
read_network(const char *value, struct policy_network *net)
{
	char text[INET6_ADDRSTRLEN];
	size_t n = strcspn(value, "/");
	size_t digits = value[n] ? strspn(value + n + 1, "0123456789") : 0;
	long bits = digits ? strtol(value + n + 1, NULL, 10) : 128;
	unsigned char *a = net->address;

	if (n >= sizeof(text) || bits > 128 ||
	    (value[n] && (digits == 0 || value[n + 1 + digits])))
		return false;
	memcpy(text, value, n);
	text[n] = '\0';
	memset(a, 0, 16);
	if (inet_pton(AF_INET6, text, a) != 1) {
		memset(a, 0, 16);
		a[10] = a[11] = 0xff;
		if (inet_pton(AF_INET, text, a + 12) != 1 ||
		    (value[n] && bits > 32))
			return false;
		bits = value[n] ? bits + 96 : 128;
	}
	net->bits = (unsigned)bits;
	return true;
}

struct policy_network
term_as_network(const char *value)
{
	struct policy_network net = { .bits = 128 };

	(void)read_network(value, &net);
	return net;
}

const char *
term_network(void *field, const char *value)
{
	struct policy_network net;

	(void)field;
	return read_network(value, &net) ? NULL :
	    "an address or a network like 10.0.0.0/8 or 2001:db8::/32 is "
	    "accepted";
}

const char *
term_regex(void *field, const char *value)
{
	(void)field;
	return value[0] && strlen(value) <= PATTERN_MAX ? NULL :
	    "a regular expression (PCRE2) is accepted";
}

uint64_t
term_as_event(const char *value)
{
	for (unsigned i = 0; i < SMTP_ANOMALIES; i++)
		if (strcmp(value, smtp_anomaly((enum smtp_anomaly)i)->name) ==
		    0)
			return UINT64_C(1) << i;
	return 0;
}

const char *
term_event(void *field, const char *value)
{
	(void)field;
	return term_as_event(value) ? NULL :
	    "the name of an event, as bare-lf or bad-reply, is accepted";
}
