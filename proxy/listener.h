/* listener: opens listening sockets, one for each thread and address.
 *
 * The threads' sockets share the port with SO_REUSEPORT: the kernel spreads
 * connections over them. Another program's socket on the port, even one with
 * SO_REUSEPORT, is an error. Accepted sockets inherit TCP_NODELAY.
 *
 * Main opens and closes listeners; each thread has its own door of each. */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include <ev.h>
#include <sys/queue.h>

#include "proxy/options.h"

struct settings_listener;

/* A thread's socket of a listener. */
struct listener_door {
	ev_io io;		/* fd -1: closed */
	LIST_ENTRY(listener_door) others;	/* of that thread */
	const struct listener *listener;
	struct settings_listener *section;	/* who comes in here gets this */
};

struct listener {
	struct endpoint endpoint;	/* as configured */
	struct address address;		/* port 0 replaced by the one given */
	char text[ADDRESS_TEXT];	/* of address */
	unsigned n;
	struct listener_door doors[];	/* one for each thread, to init and
					 * start its watcher; the fd is set */
};

/* Listen there, with n sockets. 0; or the exit code and a sentence. */
int listener_open(struct listener **, const struct endpoint *, unsigned n,
    char error[OPTIONS_ERROR]);

/* Close the sockets that no thread has closed, and free. */
void listener_close(struct listener *);	/* NULL: nothing */

/* It is what listener_open() would make for that endpoint; any two with port 0
 * are as good as each other. */
bool listener_suits(const struct listener *, const struct endpoint *);

/* A connection to that address would come in here. */
bool listener_catches(const struct listener *, const struct address *);

#endif
