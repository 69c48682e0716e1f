/* keylog: a file of the secrets of TLS connections, for Wireshark.
 *
 * Whoever reads it can read the sessions: it is a file of ours, and made one
 * that nobody else may read, or it is not used. tls_context.h writes to it.
 * Main. */
#ifndef PROXY_KEYLOG_H
#define PROXY_KEYLOG_H

#include "proxy/options.h"

struct keylog;

/* Opened, and made if there is none; a line of the log warns of it. NULL: error
 * is a sentence. listener: its name. */
struct keylog *keylog_open(const char *path, const char *listener,
    char error[OPTIONS_ERROR]);
void keylog_close(struct keylog *);	/* NULL: nothing */

int keylog_fd(const struct keylog *);

/* The file may have been moved away: open it by its name again. Others may be
 * writing. The log says if that fails, and the old one goes on. */
void keylog_reopen(struct keylog *);

#endif
