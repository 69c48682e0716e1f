/* options: the command line of smtptapd; options.def is the list.
 *
 * Strings point into argv, or into the file when a section of it is read.
 * Durations are seconds. */
#ifndef PROXY_OPTIONS_H
#define PROXY_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "proxy/address.h"
#include "proxy/term.h"
#include "proxy/tls_context.h"

#define OPTIONS_LISTEN_MAX	16
#define OPTIONS_THREADS_MAX	64
#define OPTIONS_ERROR		512	/* octets of a sentence, NUL included */

/* When the store cannot be written. */
enum on_failure {
	ON_FAILURE_PASS,	/* mail flows, the record has a gap */
	ON_FAILURE_STALL,	/* sessions wait */
	ON_FAILURE_REFUSE,	/* new sessions get 421, others pass */
};

/* What a listener does about TLS (PRODUCT 5); "as": see enum policy_tls. */
enum listener_tls {
	LISTENER_TLS_PASSTHROUGH,	/* relays it, unread */
	LISTENER_TLS_STRIP,		/* hides and refuses STARTTLS */
	LISTENER_TLS_BRIDGE,		/* as POLICY_TLS_BRIDGE, and so on */
	LISTENER_TLS_TERMINATE,
	LISTENER_TLS_ORIGINATE,
	LISTENER_TLS_REQUIRE,
};

/* The sides whose connections begin with TLS, without STARTTLS (RFC 8314). */
enum listener_implicit {
	LISTENER_IMPLICIT_NO,
	LISTENER_IMPLICIT_CLIENT = 1,
	LISTENER_IMPLICIT_UPSTREAM = 2,
	LISTENER_IMPLICIT_BOTH = LISTENER_IMPLICIT_CLIENT |
	    LISTENER_IMPLICIT_UPSTREAM,
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
	enum listener_tls tls;
	enum listener_implicit implicit_tls;
	const char *tls_name;	/* of the mail server; NULL: as in upstream */
	enum tls_verify tls_verify;
	const char *tls_cert, *tls_key, *tls_ca_cert, *tls_ca_key,
	    *tls_client_ca, *tls_ca_file, *tls_crl, *tls_client_cert,
	    *tls_client_key, *tls_keylog;	/* NULL: not given */
	int ready_fd;		/* -1: none */
	unsigned verbose;
	bool quiet, foreground, version, help;
	bool check, print_sample, print_manual;
	const char *print_profile;	/* NULL: not asked for */
};

/* The section of a file an option stands in. */
enum option_place {
	OPTION_NOWHERE, OPTION_GLOBAL, OPTION_RECORD, OPTION_LISTENER,
	OPTION_POLICY, OPTION_MATCH, OPTION_WHEN
};

/* A row of options.def, which says what is what. */
struct option_row {
	int letter;
	const char *name;
	enum option_place place;
	const char *key, *argument;
	bool many;
	value_read *read;
	size_t field;		/* offset into struct options; SIZE_MAX: none */
	const char *fallback, *example, *help;
};
extern const struct option_row option_rows[];
extern const unsigned option_rows_n;

/* NULL: no such option there. */
const struct option_row *option_in(enum option_place, const char *key);

/* What holds where nothing is said. */
void options_default(struct options *);

/* Read the command line, and check that what must be given is, unless it asks
 * for help or the version. False and a sentence if it is not right. */
bool options_parse(struct options *, int argc, char **argv,
    char error[OPTIONS_ERROR]);

void options_help(FILE *);

#endif
