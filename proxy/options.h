/* options: the command line of smtptapd; options.def is the list.
 *
 * Strings point into argv. Durations are seconds. */
#ifndef PROXY_OPTIONS_H
#define PROXY_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "proxy/address.h"

#define OPTIONS_LISTEN_MAX	16
#define OPTIONS_THREADS_MAX	64
#define OPTIONS_ERROR		512	/* octets of a sentence, NUL included */

/* When the store cannot be written. */
enum on_failure {
	ON_FAILURE_PASS,	/* mail flows, the record has a gap */
	ON_FAILURE_STALL,	/* sessions wait */
	ON_FAILURE_REFUSE,	/* new sessions get 421, others pass */
};

struct options {
	struct options_listen {
		struct endpoint list[OPTIONS_LISTEN_MAX];
		unsigned n;
	} listen;
	struct endpoint upstream;
	const char *config;	/* NULL: the one-line form, with what follows */
	const char *policy;	/* name of a built-in profile; NULL: none */
	const char *record;	/* NULL: not given; "none": no recording */
	unsigned threads;
	unsigned max_sessions;	/* 0: not given */
	double idle_timeout, data_timeout, connect_timeout, drain_timeout;
	enum on_failure on_failure;
	int ready_fd;		/* -1: none */
	unsigned verbose;
	bool quiet, foreground, version, help;
	bool check, print_sample, print_manual;
	const char *print_profile;	/* NULL: not asked for */
};

/* Read the command line, and check that what must be given is, unless it asks
 * for help or the version. False and a sentence if it is not right. */
bool options_parse(struct options *, int argc, char **argv,
    char error[OPTIONS_ERROR]);

void options_help(FILE *);

#endif
