/* net: the companion's sockets: name, connect, listen, wait, with deadlines.
 *
 * A deadline is ns of CLOCK_MONOTONIC, as net_now() gives it. Descriptors are
 * non-blocking and close-on-exec; who was given one closes it. Failures are a
 * sentence that names the object and the reason. One thread. */
#ifndef REPLAY_NET_H
#define REPLAY_NET_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/span.h"

#define NET_ERROR_MAX 512	/* octets, NUL included */
#define NET_NAME_MAX 80		/* "[address]:port", NUL included */

#define NET_SECOND INT64_C(1000000000)	/* ns */

int64_t net_now(void);

/* This is "HOST:PORT" or "[V6]:PORT"; without a host only if passive. */
bool net_valid(const char *target, bool passive);

/* The host of a valid one, without brackets. */
void net_host(const char *target, char host[256]);

/* The addresses of "HOST:PORT" or "[V6]:PORT"; of a listener if passive: then
 * the host may be empty, for every address. Blocks as long as the resolver
 * does. NULL and a sentence on failure; freed with freeaddrinfo(). */
struct addrinfo *net_resolve(const char *target, bool passive,
    char error[NET_ERROR_MAX]);

/* Every one of these addresses is this machine's loopback. */
bool net_loopback(const struct addrinfo *);

/* Connect to the first that answers before the deadline. A descriptor, or -1
 * and a sentence that names target. */
int net_connect(const char *target, const struct addrinfo *, int64_t deadline,
    char error[NET_ERROR_MAX]);

/* Listen at "ADDR:PORT"; port 0 takes a free one, name says which. A
 * descriptor, or -1 and a sentence. */
int net_listen(const char *address, char name[NET_NAME_MAX],
    char error[NET_ERROR_MAX]);

/* Take a client that waits at a listener, and say its name. -1: errno. */
int net_accept(int listener, char name[NET_NAME_MAX]);

/* "127.0.0.1:40321" or "[::1]:25" of a socket address. */
void net_name(const struct sockaddr *, socklen_t, char name[NET_NAME_MAX]);

/* Write "ready listen=NAME" and a line end to the descriptor, and close it.
 * False and a sentence on failure. */
bool net_ready(int fd, const char *name, char error[NET_ERROR_MAX]);

/* From here on TERM and INT kill no more but make the descriptor that is
 * returned readable. -1 and a sentence on failure. */
int net_signals(char error[NET_ERROR_MAX]);

enum net_result {
	NET_OK,		/* *n octets were moved, perhaps none */
	NET_CLOSED,	/* the peer has ended its stream */
	NET_FAILED,	/* reset or worse: errno */
};

/* Take what has come, at most room octets. */
enum net_result net_read(int fd, char *out, size_t room, size_t *n);

/* Send as much as goes without waiting. */
enum net_result net_write(int fd, struct span, size_t *n);

/* Milliseconds from now to the deadline, for poll(2): never negative, rounded
 * up, at most INT_MAX. */
int net_left_ms(int64_t deadline);

#endif
