/* settings: one configuration, as sessions use it.
 *
 * Built whole from the command line or from a file (config.h), resolved, and
 * not changed after it has been put to use. A reload makes new ones; each
 * session keeps those it began with. Reference counts are atomic, the rest is
 * read by all threads; main makes and frees. Durations are seconds. */
#ifndef PROXY_SETTINGS_H
#define PROXY_SETTINGS_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "inspect/policy.h"
#include "inspect/rate.h"
#include "proxy/options.h"
#include "proxy/origin.h"
#include "proxy/policies.h"

#define SETTINGS_NAME_MAX 64	/* octets of a listener's name, NUL included */

/* Open sessions of a listener, over reloads: sections of one name share it. */
struct settings_seats {
	unsigned users;			/* settings; for main only */
	_Atomic unsigned taken;
};

/* One `listener` section; the one of a command line has the name "". */
struct settings_listener {
	char name[SETTINGS_NAME_MAX];
	struct endpoint listen[OPTIONS_LISTEN_MAX];
	unsigned n_listen;
	struct endpoint upstream;
	const struct policy *policy;	/* sealed; NULL: the empty policy */
	unsigned max_sessions;		/* of this listener; 0: no own limit */
	double idle_timeout, data_timeout, connect_timeout;
	enum listener_tls tls;
	enum listener_implicit implicit_tls;
	struct tls_context *tls_client;	/* we are the server; NULL: none */
	struct tls_context *tls_upstream;	/* we are the client; NULL: none */
	char tls_name[ADDRESS_HOST];	/* of the mail server, in its certificate */
	struct policy own_policy;	/* policy, if TLS makes it another */
	char *tls_keylog;		/* NULL: none */
	struct keylog *keylog;		/* that, once it is written to */
	/* set by settings_resolve() */
	struct settings *settings;	/* whose it is */
	struct settings_seats *seats;
	struct origin *origin;		/* one for all with the same upstream */
};

struct settings {
	_Atomic unsigned users;
	LIST_ENTRY(settings) old;	/* for reload.c */
	struct settings_listener *listeners;
	unsigned n_listeners;
	char *record;			/* "none": no recording */
	enum on_failure on_failure;
	unsigned threads;		/* 0: default */
	unsigned max_sessions;		/* 0: as many as there are files for */
	double drain_timeout;
	struct rate_table *rates;	/* NULL: no rule limits a rate */
	struct policies *policies;	/* what listeners' policies live in */
	/* while upstreams are looked up */
	unsigned awaited;
	char error[OPTIONS_ERROR];	/* "": none yet */
	void (*resolved)(void *arg);
	void *arg;
};

/* With one user, the defaults, and so many listeners. NULL: out of memory. */
struct settings *settings_new(unsigned n_listeners);

/* As the command line says, but for TLS. The policies, or NULL, are theirs from
 * here, also on failure. NULL: out of memory. */
struct settings *settings_from_options(const struct options *,
    struct policies *);

/* Fill in a listener's part but for TLS; the policies are there. */
void settings_take_listener(struct settings *, struct settings_listener *,
    const char *name, const struct options *);

/* Begin to write the tls-keylogs; then the settings may be used. False: error
 * says why. */
bool settings_log_keys(struct settings *);

/* Their files may have been moved away: open them anew. */
void settings_reopen_keys(struct settings *);

/* Find all upstreams, in the loop, and share with the settings before (NULL:
 * none) what goes on. resolved(arg) is called when that is over, perhaps at
 * once; s->error says what went wrong. */
void settings_resolve(struct settings *, struct ev_loop *,
    const struct settings *before, void (*resolved)(void *arg), void *arg);

/* One user more. Any thread that knows of another user. */
struct settings *settings_keep(struct settings *);

/* These policies live in the settings from here on, with what their rules need;
 * NULL: there are none. False: out of memory. */
bool settings_take_policies(struct settings *, struct policies *);

/* One less. True: it was the last one; settings_free() is due, in main. */
bool settings_drop(struct settings *);

/* Whatever they own; also when upstreams are still being looked up. Main. */
void settings_free(struct settings *);

#endif
