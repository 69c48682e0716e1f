/* origin: the mail server behind us: what it is called and where it is.
 *
 * A name is looked up at the start and again every ORIGIN_LIFETIME seconds, in
 * the loop given; while that fails, the addresses known before stay good. The
 * loop threads only copy addresses and never wait for a lookup. */
#ifndef PROXY_ORIGIN_H
#define PROXY_ORIGIN_H

#include "proxy/resolver.h"

#define ORIGIN_LIFETIME 30.	/* seconds */

struct origin;

/* Start to find its addresses, in the loop, and call found() from it when that
 * is over: with NULL, or with the reason, a static string, why there are none.
 * Has one user. NULL: out of memory. */
struct origin *origin_open(struct ev_loop *, const struct endpoint *,
    void (*found)(void *arg, const char *error), void *arg);

/* One user more; one less: the last one closes it, and found() is not called
 * any more. In the thread of the loop. */
struct origin *origin_keep(struct origin *);
void origin_drop(struct origin *);	/* NULL: nothing */

/* The i-th address to try. False: there are no more. Any thread. */
bool origin_address(struct origin *, unsigned i, struct address *);

/* What a session has found, for the log: told once when the server cannot be
 * reached any more, and once when it can again. Any thread. */
void origin_failed(struct origin *, const char *address, int error);
void origin_reached(struct origin *);

#endif
