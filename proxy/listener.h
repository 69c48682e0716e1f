/* listener: opens listening sockets, one for each thread and address.
 *
 * The threads' sockets share the port with SO_REUSEPORT: the kernel spreads
 * connections over them. Another program's socket on the port, even one with
 * SO_REUSEPORT, is an error. Accepted sockets inherit TCP_NODELAY. */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include "proxy/options.h"

struct listener {
	struct address address;		/* port 0 replaced by the one given */
	char text[ADDRESS_TEXT];
	unsigned n;
	int fds[OPTIONS_THREADS_MAX];	/* one for each thread; the caller's
					 * to close once a thread has it */
};

/* Listen there, with n sockets. 0; or the exit code and a sentence. */
int listener_open(struct listener *, const struct endpoint *, unsigned n,
    char error[OPTIONS_ERROR]);

/* Close the sockets no thread has taken (fds that are not -1). */
void listener_close(struct listener *);

/* A connection to that address would come in here. */
bool listener_catches(const struct listener *, const struct address *);

#endif
