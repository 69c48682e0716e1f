#include "replay/net.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#define BACKLOG 512

int64_t
net_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);	/* cannot fail */
	return (int64_t)now.tv_sec * NET_SECOND + now.tv_nsec;
}

int
net_left_ms(int64_t deadline)
{
	int64_t left = deadline - net_now();

	if (left <= 0)
		return 0;
	left = (left + 999999) / 1000000;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* Cut "HOST:PORT" in two; the host loses its square brackets. */
static bool
split(const char *target, char host[256], char port[8])
{
	const char *colon = strrchr(target, ':');
	size_t n = colon ? (size_t)(colon - target) : 0;

	if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) >= 8)
		return false;
	if (n >= 2 && target[0] == '[' && target[n - 1] == ']') {
		target++;
		n -= 2;
	} else if (memchr(target, ':', n)) {
		return false;	/* an IPv6 address needs its brackets */
	}
	if (n >= 256)
		return false;
	memcpy(host, target, n);
	host[n] = '\0';
	strcpy(port, colon + 1);
	return true;
}

static bool
is_port(const char *s)
{
	long value = 0;

	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		value = value * 10 + (*s - '0');
	}
	return value <= 65535;
}

bool
net_valid(const char *target, bool passive)
{
	char host[256], port[8];

	return split(target, host, port) && is_port(port) &&
	    (passive || host[0] != '\0');
}

void
net_host(const char *target, char host[256])
{
	char port[8];

	if (!split(target, host, port))
		host[0] = '\0';
}

struct addrinfo *
net_resolve(const char *target, bool passive, char error[NET_ERROR_MAX])
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0),
	}, *found;
	char host[256], port[8];
	int status;

	if (!net_valid(target, passive) || !split(target, host, port)) {
		snprintf(error, NET_ERROR_MAX,
		    "'%s' is not an address: HOST:PORT or [IPV6]:PORT", target);
		return NULL;
	}
	status = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
	if (status == 0)
		return found;
	snprintf(error, NET_ERROR_MAX, "cannot resolve '%s': %s", host,
	    status == EAI_SYSTEM ? strerror(errno) : gai_strerror(status));
	return NULL;
}

bool
net_loopback(const struct addrinfo *list)
{
	for (; list; list = list->ai_next) {
		const struct sockaddr_in *v4 = (const void *)list->ai_addr;
		const struct sockaddr_in6 *v6 = (const void *)list->ai_addr;

		if (list->ai_family == AF_INET &&
		    ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET)
			continue;
		if (list->ai_family == AF_INET6 &&
		    IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
			continue;
		return false;
	}
	return true;
}

void
net_name(const struct sockaddr *address, socklen_t n, char name[NET_NAME_MAX])
{
	char host[NET_NAME_MAX - 10], port[8];

	if (getnameinfo(address, n, host, sizeof host, port, sizeof port,
	    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		strcpy(name, "?");
		return;
	}
	snprintf(name, NET_NAME_MAX, strchr(host, ':') ? "[%s]:%s" : "%s:%s",
	    host, port);
}

/* A reply or a group must go out at once, however small. */
static void
no_delay(int fd)
{
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

/* Wait for a connection under way; 0 or why it failed. */
static int
finish_connect(int fd, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(int);
	int failed = 0, status;

	do
		status = poll(&p, 1, net_left_ms(deadline));
	while (status < 0 && errno == EINTR);
	if (status < 0)
		return errno;
	if (status == 0)
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) != 0)
		return errno;
	return failed;
}

int
net_connect(const char *target, const struct addrinfo *list, int64_t deadline,
    char error[NET_ERROR_MAX])
{
	int fd, reason = EADDRNOTAVAIL;

	for (; list; list = list->ai_next) {
		fd = socket(list->ai_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0) {
			reason = errno;
			continue;
		}
		reason = 0;
		if (connect(fd, list->ai_addr, list->ai_addrlen) != 0)
			reason = errno == EINPROGRESS ?
			    finish_connect(fd, deadline) : errno;
		if (reason == 0) {
			no_delay(fd);
			return fd;
		}
		(void)close(fd);
	}
	snprintf(error, NET_ERROR_MAX, "cannot connect to %s: %s", target,
	    strerror(reason));
	return -1;
}

/* Bind and listen at one address. -1: errno. */
static int
listen_at(const struct addrinfo *at)
{
	int fd = socket(at->ai_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), reason;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 },
	    sizeof(int));
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	reason = errno;
	(void)close(fd);
	errno = reason;
	return -1;
}

int
net_listen(const char *address, char name[NET_NAME_MAX],
    char error[NET_ERROR_MAX])
{
	struct addrinfo *list = net_resolve(address, true, error);
	struct sockaddr_storage bound;
	socklen_t n = sizeof bound;
	int fd = -1;

	if (list == NULL)
		return -1;
	for (struct addrinfo *at = list; at && fd < 0; at = at->ai_next)
		fd = listen_at(at);
	if (fd < 0)
		snprintf(error, NET_ERROR_MAX, "cannot listen at %s: %s",
		    address, strerror(errno));
	freeaddrinfo(list);
	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&bound, &n) == 0)
		net_name((struct sockaddr *)&bound, n, name);
	return fd;
}

int
net_accept(int listener, char name[NET_NAME_MAX])
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof peer;
	int fd = accept4(listener, (struct sockaddr *)&peer, &n,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -1;
	no_delay(fd);
	net_name((struct sockaddr *)&peer, n, name);
	return fd;
}

bool
net_ready(int fd, const char *name, char error[NET_ERROR_MAX])
{
	char line[NET_NAME_MAX + 20];
	int n = snprintf(line, sizeof line, "ready listen=%s\n", name);
	bool written = write(fd, line, (size_t)n) == n;

	if (!written)
		snprintf(error, NET_ERROR_MAX,
		    "cannot write to --ready-fd %d: %s", fd, strerror(errno));
	if (fd > STDERR_FILENO)
		(void)close(fd);
	return written;
}

int
net_signals(char error[NET_ERROR_MAX])
{
	sigset_t set;
	int fd = -1;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		snprintf(error, NET_ERROR_MAX, "cannot wait for signals: %s",
		    strerror(errno));
	return fd;
}

static bool
try_later(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

enum net_result
net_read(int fd, char *out, size_t room, size_t *n)
{
	ssize_t got = recv(fd, out, room, 0);

	*n = got > 0 ? (size_t)got : 0;
	if (got < 0)
		return try_later() ? NET_OK : NET_FAILED;
	return got == 0 && room ? NET_CLOSED : NET_OK;
}

enum net_result
net_write(int fd, struct span bytes, size_t *n)
{
	ssize_t sent = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

	*n = sent > 0 ? (size_t)sent : 0;
	if (sent < 0)
		return try_later() ? NET_OK : NET_FAILED;
	return NET_OK;
}
