/* link: a connection of the companion's, in the clear or in TLS.
 *
 * The descriptor is non-blocking, and stays the caller's. What TLS holds decrypted
 * is not announced by poll(2): link_poll() knows. One thread. */
#ifndef REPLAY_LINK_H
#define REPLAY_LINK_H

#include <poll.h>

#include "record/recorder.h"
#include "replay/net.h"

struct ssl_st;
struct ssl_ctx_st;

struct link {
	int fd;
	struct ssl_st *ssl;	/* NULL: in the clear */
};

/* As net_read() and net_write(). */
enum net_result link_read(struct link *, char *out, size_t room, size_t *n);
enum net_result link_write(struct link *, struct span, size_t *n);

/* poll(2) on descriptors of which the first is the link's. */
int link_poll(const struct link *, struct pollfd *, nfds_t, int timeout_ms);

/* Come to TLS, as its server or its client. host: of the server, whose name is
 * asked for, and looked for in its certificate if that is verified. Blocks until
 * it is done, the deadline has passed, or the descriptor signals (-1: none) is
 * readable. False and a sentence on failure. */
struct link_side {
	struct ssl_ctx_st *context;
	bool server;
	const char *host;
	int64_t deadline;
	int signals;
};
bool link_secure(struct link *, const struct link_side *,
    char error[NET_ERROR_MAX]);

/* What is known of its TLS; without the chain. */
void link_facts(const struct link *, struct recorder_tls *);

/* Say that no more is sent from here, as the end of the stream. */
void link_end(struct link *);

/* Give back what TLS has taken; the descriptor is left open. */
void link_fini(struct link *);

#endif
