/* settings: one configuration, as sessions use it.
 *
 * Built whole from the command line or from a file (config.h), and not changed
 * after it has been put to use. A reload makes new ones; each session keeps those
 * it began with: the last user frees them. Reference counts are atomic, the rest
 * is read by all threads. Durations are seconds. */
#ifndef PROXY_SETTINGS_H
#define PROXY_SETTINGS_H

#include <stdatomic.h>

#include "inspect/policy.h"
#include "inspect/rate.h"
#include "proxy/options.h"
#include "proxy/origin.h"

#define SETTINGS_NAME_MAX 64	/* octets of a listener's name, NUL included */

/* One `listener` section; the one of a command line has the name "". */
struct settings_listener {
	char name[SETTINGS_NAME_MAX];
	struct endpoint listen[OPTIONS_LISTEN_MAX];
	unsigned n_listen;
	struct endpoint upstream;
	struct origin *origin;		/* set by settings_resolve(); shared by
					 * those with the same upstream */
	const struct policy *policy;	/* sealed; NULL: the empty policy */
	unsigned max_sessions;		/* of this listener; 0: no own limit */
	_Atomic unsigned sessions;	/* of this listener, open now */
	double idle_timeout, data_timeout, connect_timeout;
};

struct settings {
	_Atomic unsigned users;
	struct settings_listener *listeners;
	unsigned n_listeners;
	char *record;			/* "none": no recording */
	enum on_failure on_failure;
	unsigned threads, max_sessions;	/* 0: default */
	double drain_timeout;
	struct rate_table *rates;	/* NULL: no rule limits a rate */
	struct policies *policies;	/* what listeners' policies live in */
};

struct settings *settings_keep(struct settings *);	/* one user more */
void settings_drop(struct settings *);			/* one less */

#endif
