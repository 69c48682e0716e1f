#include "proxy/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define BACKLOG 4096	/* the kernel lowers it to net.core.somaxconn */

static bool
set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* "*" is one socket for both families; "[::]" is IPv6 alone, so that 0.0.0.0
 * may have a listener of its own. -1 and errno on failure. */
static int
bound_socket(const struct address *a, bool both, bool shared)
{
	bool v6 = a->sa.any.sa_family == AF_INET6;
	int fd = socket(a->sa.any.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int why;

	if (fd < 0)
		return -1;
	if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
	    (!shared || set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
	    (!v6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !both)) &&
	    set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
	    bind(fd, &a->sa.any, a->n) == 0)
		return fd;
	why = errno;
	(void)close(fd);
	errno = why;
	return -1;
}

/* Bind without SO_REUSEPORT, to see that nobody else is there and which port
 * we get. */
static bool
probe(struct address *a, bool both)
{
	struct sockaddr_storage got;
	socklen_t n = sizeof(got);
	int fd = bound_socket(a, both, false);
	bool known;

	if (fd < 0)
		return false;
	known = getsockname(fd, (struct sockaddr *)&got, &n) == 0;
	if (known && got.ss_family == AF_INET6)
		address_set_port(a, ntohs(
		    ((struct sockaddr_in6 *)&got)->sin6_port));
	else if (known)
		address_set_port(a, ntohs(
		    ((struct sockaddr_in *)&got)->sin_port));
	(void)close(fd);
	return known;
}

static int
complain(const struct endpoint *e, char error[OPTIONS_ERROR])
{
	int why = errno;
	int code = why == EACCES || why == EPERM ? EX_NOPERM :
	    why == EADDRINUSE || why == EADDRNOTAVAIL || why == EAFNOSUPPORT ?
	    EX_UNAVAILABLE : EX_OSERR;
	bool v6 = strchr(e->host, ':') != NULL;

	(void)snprintf(error, OPTIONS_ERROR, "cannot listen on %s%s%s:%d: %s%s",
	    v6 ? "[" : "", e->host[0] ? e->host : "*", v6 ? "]" : "", e->port,
	    strerror(why), code == EX_NOPERM && e->port < 1024 ? "; a port "
	    "below 1024 needs root or CAP_NET_BIND_SERVICE" : "");
	return code;
}

/* "*" and "": IPv4 and IPv6 in one socket. */
static bool
is_both(const struct endpoint *e)
{
	return e->host[0] == '\0' || strcmp(e->host, "*") == 0;
}

/* Find the port, in l->address, and open the sockets on it. */
static bool
open_doors(struct listener *l, unsigned n)
{
	bool both = is_both(&l->endpoint);

	if (!probe(&l->address, both)) {
		struct endpoint any4 = { .host = "0.0.0.0",
		    .port = l->endpoint.port };

		if (!both || errno != EAFNOSUPPORT)
			return false;
		(void)address_literal(&any4, &l->address);	/* no IPv6 */
		if (!probe(&l->address, both))
			return false;
	}
	for (; l->n < n; l->n++) {
		int fd = bound_socket(&l->address, both, true);

		ev_io_set(&l->doors[l->n].io, fd, EV_READ);
		l->doors[l->n].listener = l;
		if (fd < 0 || listen(fd, BACKLOG) < 0) {
			l->n += fd >= 0;
			return false;
		}
	}
	return true;
}

int
listener_open(struct listener **out, const struct endpoint *e, unsigned n,
    char error[OPTIONS_ERROR])
{
	struct listener *l = calloc(1, sizeof(*l) + n * sizeof(*l->doors));

	*out = NULL;
	if (l == NULL)
		return complain(e, error);
	l->endpoint = *e;
	(void)address_literal(e, &l->address);	/* options.c has seen that */
	if (!open_doors(l, n)) {
		int code = complain(e, error);

		listener_close(l);
		return code;
	}
	address_text(&l->address, l->text);
	*out = l;
	return 0;
}

void
listener_close(struct listener *l)
{
	for (unsigned i = 0; l && i < l->n; i++)
		if (l->doors[i].io.fd >= 0)
			(void)close(l->doors[i].io.fd);
	free(l);
}

bool
listener_suits(const struct listener *l, const struct endpoint *e)
{
	struct address a;

	if (e->port != l->endpoint.port && e->port != address_port(&l->address))
		return false;
	return is_both(&l->endpoint) == is_both(e) && address_literal(e, &a) &&
	    (is_both(e) || address_same_host(&a, &l->address));
}

/* An address is this machine's if a socket can be bound to it. */
static bool
is_local(struct address a)
{
	int fd;

	address_set_port(&a, 0);
	fd = socket(a.sa.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (bind(fd, &a.sa.any, a.n) < 0) {
		(void)close(fd);
		return false;
	}
	(void)close(fd);
	return true;
}

bool
listener_catches(const struct listener *l, const struct address *a)
{
	if (address_port(a) != address_port(&l->address))
		return false;
	return address_same_host(a, &l->address) ||
	    ((address_is_any(&l->address) || address_is_any(a)) && is_local(*a));
}
