#include "proxy/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_DEFAULT_MAX	4
#define SMTP_PORT		25

/* Why a value is refused, for the sentence; NULL: it is accepted. */
typedef const char *set_option(void *field, const char *value);

static const char *
set_flag(void *field, const char *value)
{
	(void)value;
	*(bool *)field = true;
	return NULL;
}

static const char *
add_one(void *field, const char *value)
{
	(void)value;
	++*(unsigned *)field;
	return NULL;
}

/* A decimal number, 0..max; -1 for anything else. */
static long
number(const char *value, long max)
{
	size_t n = strspn(value, "0123456789");
	long l = n && n < 10 && value[n] == '\0' ? atol(value) : -1;

	return l <= max ? l : -1;
}

static const char *
set_count(void *field, const char *value)
{
	long l = number(value, 1000000);

	if (l < 1)
		return "a number from 1 to 1000000 is accepted";
	*(unsigned *)field = (unsigned)l;
	return NULL;
}

static const char *
set_threads(void *field, const char *value)
{
	long l = number(value, OPTIONS_THREADS_MAX);

	if (l < 1)
		return "a number from 1 to 64 is accepted";
	*(unsigned *)field = (unsigned)l;
	return NULL;
}

static const char *
set_ready_fd(void *field, const char *value)
{
	long l = number(value, 1000000);

	if (l < 0)
		return "the number of an open file descriptor is accepted";
	*(int *)field = (int)l;
	return NULL;
}

static const char *
set_duration(void *field, const char *value)
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

static const char *
set_endpoint(void *field, const char *value)
{
	struct endpoint *e = field;

	if (!endpoint_parse(value, e) || e->host[0] == '\0' || e->port == 0 ||
	    strcmp(e->host, "*") == 0)
		return "HOST, HOST:PORT or [IPv6]:PORT is accepted";
	if (e->port < 0)
		e->port = SMTP_PORT;
	return NULL;
}

static const char *
set_listen(void *field, const char *value)
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

static const char *
set_record(void *field, const char *value)
{
	if (value[0] == '\0')
		return "the name of a file, or none, is accepted";
	*(const char **)field = value;
	return NULL;
}

static const char *
set_on_failure(void *field, const char *value)
{
	static const char *const names[] = { "pass", "stall", "refuse" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(value, names[i]) == 0) {
			*(enum on_failure *)field = (enum on_failure)i;
			return NULL;
		}
	return "pass, stall or refuse is accepted";
}

static const struct row {
	int letter;
	const char *name, *argument;
	set_option *set;
	size_t field;
	const char *help;
} rows[] = {
#define OPTION(letter, name, argument, set, field, help) \
	{ letter, name, argument, set, offsetof(struct options, field), help },
#include "proxy/options.def"
#undef OPTION
};

#define ROWS (sizeof(rows) / sizeof(*rows))

/* For getopt_long(): val is the letter, or, if there is none, its row. */
static void
getopt_tables(struct option longs[ROWS + 1], char shorts[2 * ROWS + 2])
{
	*shorts++ = ':';	/* tell a missing value from an unknown option */
	for (size_t i = 0; i < ROWS; i++) {
		longs[i] = (struct option){ .name = rows[i].name,
		    .has_arg = rows[i].argument != NULL,
		    .val = 1000 + (int)i };
		if (rows[i].letter == 0)
			continue;
		*shorts++ = (char)rows[i].letter;
		if (rows[i].argument)
			*shorts++ = ':';
	}
	*shorts = '\0';
	longs[ROWS] = (struct option){ 0 };
}

static const struct row *
row_of(int val)
{
	if (val >= 1000 && val < 1000 + (int)ROWS)
		return &rows[val - 1000];
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].letter && rows[i].letter == val)
			return &rows[i];
	return NULL;
}

/* getopt has stopped at something that is no option of ours, or lacks its
 * value; optopt says which, argv what was written. */
static void
complain(int why, char **argv, char *error)
{
	const struct row *row = row_of(optopt);
	const char *written = argv[optind - 1];

	if (why == ':' && row)
		(void)snprintf(error, OPTIONS_ERROR, "--%s needs a value: %s",
		    row->name, row->argument);
	else if (row)
		(void)snprintf(error, OPTIONS_ERROR,
		    "--%s takes no value", row->name);
	else if (optopt)
		(void)snprintf(error, OPTIONS_ERROR,
		    "unknown option -%c; --help lists the options", optopt);
	else
		(void)snprintf(error, OPTIONS_ERROR,
		    "unknown option %.200s; --help lists the options", written);
}

static bool
check(const struct options *o, const char *stray, char *error)
{
	const char *missing = NULL;

	if (o->help || o->version)
		return true;
	if (stray)
		(void)snprintf(error, OPTIONS_ERROR, "unexpected argument "
		    "%.200s; --help lists the options", stray);
	else if (o->listen.n == 0)
		missing = "--listen ADDR:PORT is missing: say where clients "
		    "connect";
	else if (o->upstream.host[0] == '\0')
		missing = "--upstream HOST:PORT is missing: say where the mail "
		    "server is";
	else if (o->record == NULL)
		missing = "--record FILE.db is missing: say where to keep the "
		    "sessions, or --record none";
	else
		return true;
	if (missing)
		(void)snprintf(error, OPTIONS_ERROR, "%s", missing);
	return false;
}

static unsigned
threads_default(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (cores < 1)
		return 1;
	return cores < THREADS_DEFAULT_MAX ? (unsigned)cores :
	    THREADS_DEFAULT_MAX;
}

bool
options_parse(struct options *o, int argc, char **argv,
    char error[OPTIONS_ERROR])
{
	struct option longs[ROWS + 1];
	char shorts[2 * ROWS + 2];
	int val;

	*o = (struct options){ .threads = threads_default(), .ready_fd = -1,
	    .idle_timeout = 300, .data_timeout = 600, .connect_timeout = 30,
	    .drain_timeout = 30 };
	getopt_tables(longs, shorts);
	opterr = 0;
	optind = 0;	/* glibc: start anew, whoever has used it before */
	while ((val = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct row *row = row_of(val);
		const char *accepted;

		if (row == NULL) {
			complain(val, argv, error);
			return false;
		}
		accepted = row->set((char *)o + row->field, optarg);
		if (accepted) {
			(void)snprintf(error, OPTIONS_ERROR, "--%s %.200s: %s",
			    row->name, optarg, accepted);
			return false;
		}
	}
	return check(o, argv[optind], error);
}

/* The help text of a row, its second line under the first. */
static void
print_help(FILE *f, const char *help, int indent)
{
	for (const char *end; (end = strchr(help, '\n')) != NULL; help = end + 1)
		(void)fprintf(f, "%.*s\n%*s", (int)(end - help), help, indent,
		    "");
	(void)fprintf(f, "%s\n", help);
}

void
options_help(FILE *f)
{
	const int column = 30;

	(void)fprintf(f,
	    "usage: smtptapd --listen ADDR:PORT --upstream HOST:PORT "
	    "--record FILE.db\n"
	    "Relays SMTP between clients and a mail server, changes nothing, "
	    "and records\nevery session; smtptap(1) reads them.\n\n");
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		char letter[] = { '-', (char)row->letter, ',', '\0' };
		int n = fprintf(f, "  %3s --%s%s%s", row->letter ? letter : "",
		    row->name, row->argument ? " " : "",
		    row->argument ? row->argument : "");

		(void)fprintf(f, n < column ? "%*s" : "\n%*s",
		    n < column ? column - n : column, "");
		print_help(f, row->help, column);
	}
	(void)fprintf(f,
	    "\nSIGTERM, SIGINT: accept no more, let sessions finish; a second "
	    "one: end now.\nSIGUSR2: log the counters.\n"
	    "Exit: 0 done, 64 usage, 69 cannot listen or find the mail server, "
	    "71 system,\n73 cannot open the recording, 77 not permitted.\n");
}
