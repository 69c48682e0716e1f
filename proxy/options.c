#include "proxy/options.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "proxy/listener_tls.h"
#include "proxy/wrap.h"

#define THREADS_DEFAULT_MAX	4
#define HELP_COLUMN		30

const struct option_row option_rows[] = {
#define OPTION(letter, name, place, key, argument, many, read, field, \
    fallback, example, help) \
	{ letter, name, OPTION_##place, key, argument, many, read, field, \
	    fallback, example, help },
#include "proxy/options.def"
#undef OPTION
};

#define ROWS (sizeof(option_rows) / sizeof(*option_rows))

const unsigned option_rows_n = ROWS;

const struct option_row *
option_in(enum option_place place, const char *key)
{
	for (size_t i = 0; i < ROWS; i++)
		if (option_rows[i].place == place && option_rows[i].key &&
		    strcmp(option_rows[i].key, key) == 0)
			return &option_rows[i];
	return NULL;
}

/* For getopt_long(): val is the letter, or, if there is none, its row. */
static void
getopt_tables(struct option longs[ROWS + 1], char shorts[2 * ROWS + 2])
{
	*shorts++ = ':';	/* tell a missing value from a bad option */
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *row = &option_rows[i];

		if (row->name == NULL)
			continue;
		*longs++ = (struct option){ .name = row->name,
		    .has_arg = row->argument != NULL, .val = 1000 + (int)i };
		if (row->letter == 0)
			continue;
		*shorts++ = (char)row->letter;
		if (row->argument)
			*shorts++ = ':';
	}
	*shorts = '\0';
	*longs = (struct option){ 0 };
}

static const struct option_row *
row_of(int val)
{
	if (val >= 1000 && val < 1000 + (int)ROWS)
		return &option_rows[val - 1000];
	for (size_t i = 0; i < ROWS; i++)
		if (option_rows[i].letter && option_rows[i].letter == val)
			return &option_rows[i];
	return NULL;
}

/* getopt has stopped at something that is no option of ours, or lacks its
 * value; optopt says which, argv what was written. */
static void
complain(int why, char **argv, char *error)
{
	const struct option_row *row = row_of(optopt);
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

/* What the one-line form must say. NULL: it does. */
static const char *
missing(const struct options *o)
{
	if (o->listen.n == 0)
		return "--listen ADDR:PORT is missing: say where clients "
		    "connect, or --config FILE";
	if (o->upstream.host[0] == '\0')
		return "--upstream HOST:PORT is missing: say where the mail "
		    "server is";
	if (o->record == NULL)
		return "--record FILE.db is missing: say where to keep the "
		    "sessions, or --record none";
	return NULL;
}

/* in_file: an option that was given, and stands in the file if there is one. */
static bool
check(const struct options *o, const char *in_file, const char *stray,
    char *error)
{
	struct listener_tls_fault fault;
	const char *why = NULL;

	if (o->help || o->version)
		return true;
	if (stray)
		(void)snprintf(error, OPTIONS_ERROR, "unexpected argument "
		    "%.200s; --help lists the options", stray);
	else if (o->print_profile || o->print_sample || o->print_manual)
		return true;
	else if (o->config && in_file)
		(void)snprintf(error, OPTIONS_ERROR, "--%s is not accepted "
		    "beside --config: say it in the file", in_file);
	else if (o->config == NULL && o->check)
		why = "--check needs --config FILE: say what to check";
	else if (o->config || ((why = missing(o)) == NULL &&
	    listener_tls_check(o, &fault)))
		return true;
	else if (why == NULL)
		(void)snprintf(error, OPTIONS_ERROR, "--%s: %.400s", fault.key,
		    fault.why);
	if (why)
		(void)snprintf(error, OPTIONS_ERROR, "%s", why);
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

void
options_default(struct options *o)
{
	*o = (struct options){ .threads = threads_default(), .ready_fd = -1 };
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *row = &option_rows[i];

		if (row->read == value_duration)
			(void)row->read((char *)o + row->field, row->fallback);
	}
}

bool
options_parse(struct options *o, int argc, char **argv,
    char error[OPTIONS_ERROR])
{
	struct option longs[ROWS + 1];
	char shorts[2 * ROWS + 2];
	const char *in_file = NULL;
	int val;

	options_default(o);
	getopt_tables(longs, shorts);
	opterr = 0;
	optind = 0;	/* glibc: start anew, whoever has used it before */
	while ((val = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_row *row = row_of(val);
		const char *accepted;

		if (row == NULL) {
			complain(val, argv, error);
			return false;
		}
		if (row->place != OPTION_NOWHERE)
			in_file = row->name;
		accepted = row->read((char *)o + row->field, optarg);
		if (accepted) {
			(void)snprintf(error, OPTIONS_ERROR, "--%s %.200s: %s",
			    row->name, optarg, accepted);
			return false;
		}
	}
	return check(o, in_file, argv[optind], error);
}

static void
print_row(FILE *f, const struct option_row *row)
{
	char letter[] = { '-', (char)row->letter, ',', '\0' };
	char begin[HELP_COLUMN + 1];
	int n = fprintf(f, "  %3s --%s%s%s", row->letter ? letter : "",
	    row->name, row->argument ? " " : "",
	    row->argument ? row->argument : "");

	(void)fprintf(f, n < HELP_COLUMN ? "%*s" : "\n%*s",
	    n < HELP_COLUMN ? HELP_COLUMN - n : HELP_COLUMN, "");
	n = HELP_COLUMN;
	(void)sprintf(begin, "%*s", HELP_COLUMN, "");
	wrap_text(f, &n, begin, row->help);
	if (row->fallback) {
		n += fprintf(f, ";");
		wrap_text(f, &n, begin, "default:");
		wrap_text(f, &n, begin, row->fallback);
	}
	(void)fputc('\n', f);
}

void
options_help(FILE *f)
{
	(void)fprintf(f,
	    "usage: smtptapd --listen ADDR:PORT --upstream HOST:PORT "
	    "--record FILE.db\n"
	    "       smtptapd --config FILE [--check]\n"
	    "Relays SMTP between clients and a mail server, changes what a "
	    "policy says and\nnothing else, and records every session; "
	    "smtptap(1) reads them.\n\n");
	for (size_t i = 0; i < ROWS; i++)
		if (option_rows[i].name)
			print_row(f, &option_rows[i]);
	(void)fprintf(f,
	    "\nSIGTERM, SIGINT: accept no more, let sessions finish; a second "
	    "one: end now.\nSIGHUP: read --config FILE and certificates again. "
	    "SIGUSR1: reopen the key\nlog. SIGUSR2: log the counters.\n"
	    "Exit: 0 done, 64 usage, 69 cannot listen or find the mail server, "
	    "71 system,\n73 cannot open the recording, 77 not permitted, "
	    "78 an error in the file.\n");
}
