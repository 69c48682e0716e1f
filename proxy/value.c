#include "proxy/value.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "proxy/action.h"
#include "proxy/options.h"
#include "proxy/profile.h"

#define SMTP_PORT	25
#define PATTERN_MAX	4096	/* octets of a regular expression */
#define WORD_MAX	255

static bool
is_one_of(const char *value, const char *const *names, unsigned n, unsigned *i)
{
	for (*i = 0; *i < n; ++*i)
		if (strcmp(value, names[*i]) == 0)
			return true;
	return false;
}

/* A decimal number, 0..max; -1 for anything else. */
static long
number(const char *value, long max)
{
	size_t n = strspn(value, "0123456789");
	long l = n && n < 10 && value[n] == '\0' ? atol(value) : -1;

	return l <= max ? l : -1;
}

const char *
value_flag(void *field, const char *value)
{
	(void)value;
	*(bool *)field = true;
	return NULL;
}

const char *
value_once_more(void *field, const char *value)
{
	(void)value;
	++*(unsigned *)field;
	return NULL;
}

const char *
value_count(void *field, const char *value)
{
	long l = number(value, 1000000);

	if (l < 1)
		return "a number from 1 to 1000000 is accepted";
	*(unsigned *)field = (unsigned)l;
	return NULL;
}

const char *
value_threads(void *field, const char *value)
{
	long l = number(value, OPTIONS_THREADS_MAX);

	if (l < 1)
		return "a number from 1 to 64 is accepted";
	*(unsigned *)field = (unsigned)l;
	return NULL;
}

const char *
value_descriptor(void *field, const char *value)
{
	long l = number(value, 1000000);

	if (l < 0)
		return "the number of an open file descriptor is accepted";
	*(int *)field = (int)l;
	return NULL;
}

const char *
value_duration(void *field, const char *value)
{
	static const struct { const char *unit; double seconds; } units[] = {
		{ "ms", 0.001 }, { "s", 1 }, { "", 1 }, { "m", 60 },
		{ "h", 3600 }, { "d", 86400 },
	};
	char *unit;
	double amount = strtod(value, &unit);

	if (strspn(value, "0123456789.") != (size_t)(unit - value))
		unit = NULL;	/* a sign, an exponent, nan, or blanks */
	for (size_t i = 0; unit && i < sizeof(units) / sizeof(*units); i++) {
		double seconds = amount * units[i].seconds;

		if (unit == value || strcmp(unit, units[i].unit) != 0)
			continue;
		if (seconds < 0.001 || seconds > 365 * 86400.)
			break;
		*(double *)field = seconds;
		return NULL;
	}
	return "a time like 500ms, 10s, 5m or 1h is accepted";
}

const char *
value_upstream(void *field, const char *value)
{
	struct endpoint *e = field;

	if (!endpoint_parse(value, e) || e->host[0] == '\0' || e->port == 0 ||
	    strcmp(e->host, "*") == 0)
		return "HOST, HOST:PORT or [IPv6]:PORT is accepted";
	if (e->port < 0)
		e->port = SMTP_PORT;
	return NULL;
}

const char *
value_listen(void *field, const char *value)
{
	struct options_listen *l = field;
	struct endpoint *e = &l->list[l->n];
	struct address address;

	if (l->n == OPTIONS_LISTEN_MAX)
		return "there are 16 others already";
	if (!endpoint_parse(value, e) || e->port < 0)
		return "ADDR:PORT, [IPv6]:PORT or *:PORT is accepted";
	if (!address_literal(e, &address))
		return "an address of this machine is accepted, not a name";
	l->n++;
	return NULL;
}

const char *
value_file(void *field, const char *value)
{
	if (value[0] == '\0')
		return "the name of a file, or none, is accepted";
	*(const char **)field = value;
	return NULL;
}

const char *
value_text(void *field, const char *value)
{
	*(const char **)field = value;
	return NULL;
}

const char *
value_on_failure(void *field, const char *value)
{
	static const char *const names[] = { "pass", "stall", "refuse" };
	unsigned i;

	if (!is_one_of(value, names, 3, &i))
		return "pass, stall or refuse is accepted";
	*(enum on_failure *)field = (enum on_failure)i;
	return NULL;
}

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
value_is_yes(const char *value)
{
	return strcmp(value, "yes") == 0;
}

const char *
value_yes_no(void *field, const char *value)
{
	(void)field;
	return value_is_yes(value) || strcmp(value, "no") == 0 ? NULL :
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
value_host(void *field, const char *value)
{
	size_t n = host_length(value);

	(void)field;
	return n && n <= WORD_MAX && value[n] == '\0' ? NULL :
	    "a host name is accepted";
}

/* A greeting begins with the server's name (RFC 5321 4.2); a single word
 * without a dot is rather one of the others misspelt. */
const char *
value_banner(void *field, const char *value)
{
	static const char *const names[] = { "keep", "mask", "mask-asa" };
	size_t n = host_length(value);
	unsigned i;

	(void)field;
	if (is_one_of(value, names, 3, &i))
		return NULL;
	if (n && is_printable(value, ' ', VALUE_LINE_MAX) &&
	    (value[n] == ' ' || (value[n] == '\0' && strchr(value, '.'))))
		return NULL;
	return "keep, mask, mask-asa or a text of printable ASCII that begins "
	    "with a host name is accepted";
}

const char *
value_keyword(void *field, const char *value)
{
	size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	(void)field;
	return n && n <= 64 && value[n] == '\0' ? NULL :
	    "a keyword of letters, digits, - and _ is accepted";
}

const char *
value_line(void *field, const char *value)
{
	(void)field;
	return is_printable(value, ' ', VALUE_LINE_MAX) && value[0] != ' ' ?
	    NULL : "a text of printable ASCII, at most 400 octets, is accepted";
}

const char *
value_word(void *field, const char *value)
{
	(void)field;
	return is_printable(value, '!', WORD_MAX) ? NULL :
	    "a word of printable ASCII is accepted";
}

uint64_t
value_as_verbs(const char *value)
{
	uint64_t bits = 0;

	for (unsigned v = SMTP_UNKNOWN + 1; v < SMTP_VERBS; v++)
		if (span_is(span_of(value), smtp_verb_name((enum smtp_verb)v)))
			bits |= UINT64_C(1) << v;
	return bits;
}

const char *
value_verb(void *field, const char *value)
{
	return value_keyword(field, value) == NULL ? NULL :
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
value_as_octets(const char *value)
{
	uint64_t octets = 0;

	(void)read_octets(value, &octets);
	return octets;
}

const char *
value_number(void *field, const char *value)
{
	uint64_t octets;

	(void)field;
	return read_octets(value, &octets) ? NULL :
	    "a number like 0, 100, 64KiB or 10MiB is accepted";
}

const char *
value_octets(void *field, const char *value)
{
	uint64_t octets;

	(void)field;
	return read_octets(value, &octets) && octets ? NULL :
	    "a number of octets like 2048, 64KiB or 10MiB is accepted";
}

const char *
value_newline(void *field, const char *value)
{
	static const char *const names[] = { "pass", "normalize", "reject" };
	unsigned i;

	(void)field;
	return is_one_of(value, names, 3, &i) ? NULL :
	    "pass, normalize or reject is accepted";
}

const char *
value_refusal(void *field, const char *value)
{
	static const char *const names[] = { "event", "reject" };
	unsigned i;

	(void)field;
	return is_one_of(value, names, 2, &i) ? NULL :
	    "event or reject is accepted";
}

const char *
value_action(void *field, const char *value)
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
	long bits = value[n] ? number(value + n + 1, 128) : 128;
	unsigned char *a = net->address;

	if (n >= sizeof(text) || bits < 0)
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
value_as_network(const char *value)
{
	struct policy_network net = { .bits = 128 };

	(void)read_network(value, &net);
	return net;
}

const char *
value_network(void *field, const char *value)
{
	struct policy_network net;

	(void)field;
	return read_network(value, &net) ? NULL :
	    "an address or a network like 10.0.0.0/8 or 2001:db8::/32 is "
	    "accepted";
}

const char *
value_regex(void *field, const char *value)
{
	(void)field;
	return value[0] && strlen(value) <= PATTERN_MAX ? NULL :
	    "a regular expression (PCRE2) is accepted";
}

uint64_t
value_as_event(const char *value)
{
	for (unsigned i = 0; i < SMTP_ANOMALIES; i++)
		if (strcmp(value, smtp_anomaly((enum smtp_anomaly)i)->name) ==
		    0)
			return UINT64_C(1) << i;
	return 0;
}

const char *
value_event(void *field, const char *value)
{
	(void)field;
	return value_as_event(value) ? NULL :
	    "the name of an event, as bare-lf or bad-reply, is accepted";
}

const char *
value_name(void *field, const char *value)
{
	if (!is_printable(value, ' ', 64))
		return "a name of at most 64 printable characters is accepted";
	if (field)
		*(const char **)field = value;
	return NULL;
}

const char *
value_profile(void *field, const char *value)
{
	if (profile_text(value) == NULL)
		return "none, mask, strict, asa or pix is accepted";
	if (field)
		*(const char **)field = value;
	return NULL;
}
