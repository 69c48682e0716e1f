/* resolver: looks up host names with c-ares, in a libev loop, never blocking.
 *
 * /etc/hosts first, then DNS: two tries of two seconds. IPv4 and IPv6, in the
 * order of RFC 6724. One thread, that of the loop. */
#ifndef PROXY_RESOLVER_H
#define PROXY_RESOLVER_H

#include <ev.h>

#include "proxy/address.h"

#define RESOLVER_MAX 8	/* addresses of a name; more are left out */

struct addresses {
	struct address list[RESOLVER_MAX];
	unsigned n;
};

struct resolver;

/* NULL: out of memory. */
struct resolver *resolver_new(struct ev_loop *);

/* Lookups under way end with an error. */
void resolver_free(struct resolver *);

/* Calls done() later, or at once: with addresses of that port, or with none
 * and the reason, a static string. */
void resolver_lookup(struct resolver *, const struct endpoint *,
    void (*done)(void *arg, const struct addresses *, const char *error),
    void *arg);

#endif
