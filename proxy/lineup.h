/* lineup: a configuration at work: settings, and the sockets of its listeners.
 *
 * Made in main, read by all workers, not changed. A reload makes another one,
 * which goes on with the listeners of those addresses that are in both. */
#ifndef PROXY_LINEUP_H
#define PROXY_LINEUP_H

#include "proxy/listener.h"
#include "proxy/settings.h"

/* One listening address. */
struct lineup_row {
	struct listener *listener;
	struct settings_listener *section;
};

struct lineup {
	struct settings *settings;
	unsigned n;
	struct lineup_row rows[];	/* in the order of the configuration */
};

/* Listen for these settings, which must be resolved, in so many threads; with
 * the listeners of the lineup before (NULL: none) where they suit. Bounds
 * max_sessions, if it is not set. 0; or the exit code and a sentence, and
 * nothing has changed. error may be the settings' own. */
int lineup_open(struct lineup **, struct settings *, unsigned threads,
    const struct lineup *before, char error[OPTIONS_ERROR]);

/* Close the listeners that the lineup kept (NULL: none) has not, and free; when
 * no worker uses it. The settings stay. */
void lineup_close(struct lineup *, const struct lineup *kept);

/* The section that has this listener. NULL: none. */
struct settings_listener *lineup_section(const struct lineup *,
    const struct listener *);

#endif
