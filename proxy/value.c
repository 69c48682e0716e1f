#include "proxy/value.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/options.h"
#include "proxy/profile.h"
#include "record/certificate.h"

#define SMTP_PORT	25

bool
value_one_of(const char *value, const char *const *names, unsigned n,
    unsigned *i)
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

	if (!value_one_of(value, names, 3, &i))
		return "pass, stall or refuse is accepted";
	*(enum on_failure *)field = (enum on_failure)i;
	return NULL;
}

const char *
value_tls(void *field, const char *value)
{
	static const char *const names[] = { "passthrough", "strip", "bridge",
	    "terminate", "originate", "require" };
	unsigned i;

	if (!value_one_of(value, names, 6, &i))
		return "passthrough, strip, bridge, terminate, originate or "
		    "require is accepted";
	*(enum listener_tls *)field = (enum listener_tls)i;
	return NULL;
}

const char *
value_implicit(void *field, const char *value)
{
	static const char *const names[] = { "no", "client", "upstream",
	    "both" };
	unsigned i;

	if (!value_one_of(value, names, 4, &i))
		return "no, client, upstream or both is accepted";
	*(enum listener_implicit *)field = (enum listener_implicit)i;
	return NULL;
}

const char *
value_verify(void *field, const char *value)
{
	static const char *const names[] = { "require", "opportunistic",
	    "none" };
	unsigned i;

	if (!value_one_of(value, names, 3, &i))
		return "require, opportunistic or none is accepted";
	*(enum tls_verify *)field = (enum tls_verify)i;
	return NULL;
}

const char *
value_pem(void *field, const char *value)
{
	if (value[0] == '\0')
		return "the name of a file is accepted";
	*(const char **)field = value;
	return NULL;
}

const char *
value_tls_name(void *field, const char *value)
{
	if (!certificate_names(value) || strchr(value, '*'))
		return "the name or the address of a host is accepted";
	*(const char **)field = value;
	return NULL;
}

const char *
value_name(void *field, const char *value)
{
	if (term_line(NULL, value) != NULL || strlen(value) > 64)
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
