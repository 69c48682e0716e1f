#include "proxy/leg.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tls.h"

int
leg_connect(const struct address *a)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(a->sa.any.sa_family, type, 0), on = 1, why;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, &a->sa.any, a->n) == 0 || errno == EINPROGRESS)
		return fd;
	why = errno;
	(void)close(fd);
	errno = why;
	return -1;
}

void
leg_open(struct leg *l, int fd, void (*on_io)(struct ev_loop *, ev_io *, int))
{
	ev_io_init(&l->io, on_io, fd, 0);
}

/* libev tells the kernel of what has changed before it waits, and nothing of
 * what was stopped and started again meanwhile. */
void
leg_watch(struct leg *l, struct ev_loop *loop, int events)
{
	int now = ev_is_active(&l->io) ? l->io.events & (EV_READ | EV_WRITE) : 0;

	if (!leg_is_open(l) || now == events)
		return;
	ev_io_stop(loop, &l->io);
	if (events == 0)
		return;
	ev_io_modify(&l->io, events);
	ev_io_start(loop, &l->io);
}

/* Octets taken: 0 if the kernel takes none now or none any more. A socket that
 * is still connecting says EAGAIN, too. */
static size_t
push(struct leg *l, struct span bytes)
{
	ssize_t n;

	if (l->error || l->shaking || bytes.n == 0)
		return 0;
	do
		n = l->tls ? tls_send(l->tls, bytes.p, bytes.n) :
		    send(l->io.fd, bytes.p, bytes.n, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		l->connected = true;
		return (size_t)n;
	}
	if (errno != EAGAIN && errno != ENOBUFS)
		l->error = errno;
	return 0;
}

ssize_t
leg_recv(struct leg *l, char *to, size_t n)
{
	return l->tls ? tls_recv(l->tls, to, n) : recv(l->io.fd, to, n, 0);
}

bool
leg_has_more(const struct leg *l)
{
	return l->tls && !l->shaking && tls_pending(l->tls);
}

bool
leg_reads_by_writing(const struct leg *l)
{
	return l->tls && !l->shaking && tls_recv_wants_write(l->tls);
}

bool
leg_send(struct leg *l, struct span bytes)
{
	if (l->out.n == 0)
		(void)span_cut(&bytes, push(l, bytes));
	return buffer_put(&l->out, bytes);
}

void
leg_flush(struct leg *l)
{
	if (l->out.n)
		buffer_drop(&l->out, push(l, buffer_all(&l->out)));
}

bool
leg_is_connected(struct leg *l)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);

	if (!l->connected && leg_is_open(l))
		l->connected = getpeername(l->io.fd,
		    (struct sockaddr *)&peer, &n) == 0;
	return l->connected;
}

int
leg_connect_error(const struct leg *l)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (!l->connected && leg_is_open(l))
		(void)getsockopt(l->io.fd, SOL_SOCKET, SO_ERROR, &error, &n);
	return error;
}

void
leg_shut(struct leg *l)
{
	if (l->tls)
		tls_end(l->tls);
	/* of a socket that is gone: the reading side will find that */
	(void)shutdown(l->io.fd, SHUT_WR);
	l->shut = true;
}

void
leg_close(struct leg *l, struct ev_loop *loop, bool abort)
{
	struct linger none = { .l_onoff = 1, .l_linger = 0 };

	if (!leg_is_open(l))
		return;
	ev_io_stop(loop, &l->io);
	if (l->tls && !abort && !l->shaking && !l->shut)
		tls_end(l->tls);
	tls_free(l->tls);
	l->tls = NULL;
	l->shaking = false;
	if (abort)
		(void)setsockopt(l->io.fd, SOL_SOCKET, SO_LINGER, &none,
		    sizeof(none));	/* or else the peer gets a FIN */
	(void)close(l->io.fd);	/* nothing to be done about an error */
	ev_io_set(&l->io, -1, 0);
}

void
leg_free_buffers(struct leg *l)
{
	buffer_free(&l->out);
	buffer_free(&l->rest);
}
