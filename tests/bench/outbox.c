#include "tests/bench/outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

bool
outbox_empty(const struct outbox *o)
{
	return o->first == o->n;
}

/* When all is sent, begin again at the front. */
static void
rewind_if_empty(struct outbox *o)
{
	if (outbox_empty(o))
		o->first = o->n = o->used = 0;
}

static void
push(struct outbox *o, const char *p, size_t n)
{
	struct iovec *last = &o->piece[o->n ? o->n - 1 : 0];

	if (!outbox_empty(o) && (char *)last->iov_base + last->iov_len == p) {
		last->iov_len += n;
		return;
	}
	assert(o->n < sizeof(o->piece) / sizeof(o->piece[0]));
	/* sendmsg() does not write, though iovec is not const */
	o->piece[o->n++] = (struct iovec){ (void *)(uintptr_t)p, n };
}

void
outbox_borrow(struct outbox *o, const char *p, size_t n)
{
	rewind_if_empty(o);
	push(o, p, n);
}

void
outbox_printf(struct outbox *o, const char *format, ...)
{
	char *at;
	size_t room;
	va_list ap;
	int n;

	rewind_if_empty(o);
	at = o->text + o->used;
	room = sizeof(o->text) - o->used;
	va_start(ap, format);
	n = vsnprintf(at, room, format, ap);
	va_end(ap);
	assert(n > 0 && (size_t)n < room);
	o->used += (size_t)n;
	push(o, at, (size_t)n);
}

static void
cut(struct outbox *o, size_t n)
{
	while (n) {
		struct iovec *v = &o->piece[o->first];
		size_t step = n < v->iov_len ? n : v->iov_len;

		v->iov_base = (char *)v->iov_base + step;
		v->iov_len -= step;
		n -= step;
		if (!v->iov_len)
			o->first++;
	}
}

static ssize_t
send_once(struct outbox *o, int fd, size_t limit)
{
	struct iovec *v = &o->piece[o->first];
	struct msghdr m = { .msg_iov = v, .msg_iovlen = o->n - o->first };

	if (limit == SIZE_MAX)
		return sendmsg(fd, &m, MSG_NOSIGNAL);
	return send(fd, v->iov_base, v->iov_len < limit ? v->iov_len : limit,
	    MSG_NOSIGNAL);
}

enum outbox_step
outbox_send(struct outbox *o, int fd, size_t limit)
{
	while (!outbox_empty(o) && limit) {
		ssize_t n = send_once(o, fd, limit);

		if (n < 0)
			return errno == EAGAIN ? OUTBOX_BLOCKED : OUTBOX_FAILED;
		cut(o, (size_t)n);
		if (limit != SIZE_MAX)
			limit -= (size_t)n;
	}
	return OUTBOX_SENT;
}
