#include "replay/moment.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct {
	const char *name;
	int64_t us;
} units[] = {
	{ "", SECOND }, { "us", 1 }, { "ms", 1000 }, { "s", SECOND },
	{ "m", MINUTE }, { "min", MINUTE }, { "h", HOUR }, { "d", DAY },
	{ "w", 7 * DAY },
};

bool
moment_span(const char *text, int64_t *us)
{
	char *end;
	double n;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		n *= (double)units[i].us;
		if (errno || !(n < (double)INT64_MAX / 2))
			return false;
		*us = (int64_t)(n + 0.5);	/* 0.000983 is not quite */
		return true;
	}
	return false;
}

/* A number of exactly `digits` digits at the front of *s, from..to. */
static bool
take_number(const char **s, int digits, int from, int to, int *n)
{
	*n = 0;
	for (; digits > 0; digits--, ++*s) {
		if (**s < '0' || **s > '9')
			return false;
		*n = *n * 10 + (**s - '0');
	}
	return *n >= from && *n <= to;
}

static bool
take_char(const char **s, const char *any)
{
	if (!**s || !strchr(any, **s))
		return false;
	++*s;
	return true;
}

/* ".123456" behind the seconds; fewer digits are tenths, hundredths, ... */
static bool
take_fraction(const char **s, struct moment *m)
{
	int64_t unit = SECOND;

	if (!take_char(s, "."))
		return true;
	for (; **s >= '0' && **s <= '9' && unit > 1; ++*s) {
		unit /= 10;
		m->from_us += unit * (**s - '0');
	}
	m->to_us = m->from_us + unit;
	return unit < SECOND;
}

/* "T10:30", "T10:30:05.123456Z" behind the day. */
static bool
take_clock(const char **s, struct moment *m)
{
	int n;

	if (!take_char(s, "T "))
		return **s == '\0';
	if (!take_number(s, 2, 0, 23, &n) || !take_char(s, ":"))
		return false;
	m->from_us += n * HOUR;
	if (!take_number(s, 2, 0, 59, &n))
		return false;
	m->from_us += n * MINUTE;
	m->to_us = m->from_us + MINUTE;
	if (take_char(s, ":")) {
		if (!take_number(s, 2, 0, 60, &n))
			return false;
		m->from_us += n * SECOND;
		m->to_us = m->from_us + SECOND;
		if (!take_fraction(s, m))
			return false;
	}
	(void)take_char(s, "Zz");
	return **s == '\0';
}

static bool
take_date(const char *s, struct moment *m)
{
	struct tm day = { .tm_isdst = 0 };
	int year, month;

	if (!take_number(&s, 4, 1970, 9999, &year) || !take_char(&s, "-") ||
	    !take_number(&s, 2, 1, 12, &month) || !take_char(&s, "-") ||
	    !take_number(&s, 2, 1, 31, &day.tm_mday))
		return false;
	day.tm_year = year - 1900;
	day.tm_mon = month - 1;
	m->from_us = (int64_t)timegm(&day) * SECOND;
	m->to_us = m->from_us + DAY;
	/* timegm() takes the 31st of June for the 1st of July */
	return day.tm_mon == month - 1 && take_clock(&s, m);
}

bool
moment_parse(const char *text, int64_t now_us, struct moment *m)
{
	int64_t today = now_us - now_us % DAY, ago;

	if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0) {
		m->from_us = today - (text[0] == 'y' ? DAY : 0);
		m->to_us = m->from_us + DAY;
		return true;
	}
	if (strcmp(text, "now") == 0 || moment_span(text, &ago)) {
		m->from_us = now_us - (text[0] == 'n' ? 0 : ago);
		m->to_us = m->from_us;
		/* a bare number is a year cut short, not seconds ago */
		return text[strspn(text, "0123456789.")] != '\0';
	}
	return take_date(text, m);
}
