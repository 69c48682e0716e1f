/* listener_tls: what the TLS options of a listener come to.
 *
 * Which of them go together, the contexts that they make, and what they add to
 * the listener's policy. Main. */
#ifndef PROXY_LISTENER_TLS_H
#define PROXY_LISTENER_TLS_H

#include "proxy/settings.h"

/* Which option to blame, by its key in options.def, and the rest of the
 * sentence: "tls-key: ...". */
struct listener_tls_fault {
	const char *key;
	char why[TLS_ERROR];
};

/* They go together. Opens nothing. */
bool listener_tls_check(const struct options *, struct listener_tls_fault *);

/* Read the files, after the check; false: one of them cannot be used. The
 * listener's name, policy and upstream are set; where TLS is used its policy
 * becomes one of its own, made of the one it had. No keys are logged yet. */
bool listener_tls_open(struct settings_listener *, const struct options *,
    struct listener_tls_fault *);

/* STARTTLS is not just passed on, which takes a policy, if an empty one. */
bool listener_tls_is_used(const struct options *);

/* Begin to write its tls-keylog, if it has one; before the first connection.
 * False: error is a sentence. */
bool listener_tls_log_keys(struct settings_listener *,
    char error[OPTIONS_ERROR]);

/* Free what the listener has of all that. */
void listener_tls_close(struct settings_listener *);

#endif
