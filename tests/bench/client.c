#include "tests/bench/client.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/dialogue.h"

uint64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

bool
plan_spent(const struct load *l)
{
	const struct plan *p = &l->plan;

	return (p->stop_us && clock_us() >= p->stop_us) ||
	    (p->octets_max && l->tally.begun_octets >= p->octets_max);
}

/* life and death */

static void
leave(struct load *l, struct client *c)
{
	close(c->fd);
	c->fd = -1;
	l->live--;
	if (!c->paced) {	/* else client_pace() does this */
		c->next = l->vacant;
		l->vacant = c;
	}
}

void
client_fail(struct load *l, struct client *c, uint64_t *counter,
    const char *why)
{
	++*counter;
	if (!l->tally.failed++) {
		char *p = l->tally.error;

		(void)snprintf(p, sizeof(l->tally.error), "%s", why);
		for (; *p; p++)
			if (*p == '"' || *p == '\\' || *p < ' ' || *p > '~')
				*p = '?';
	}
	leave(l, c);
}

void
client_finish(struct load *l, struct client *c)
{
	struct tally *t = &l->tally;

	if (t->ok == t->latency_room) {
		t->latency_room = t->latency_room ? 2 * t->latency_room : 65536;
		t->latency_us = realloc(t->latency_us,
		    t->latency_room * sizeof(*t->latency_us));
		if (!t->latency_us)
			abort();
	}
	t->latency_us[t->ok++] = (uint32_t)(clock_us() - c->start_us);
	c->finished = true;
}

void
client_start(struct load *l, struct client *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	memset(c, 0, sizeof(*c));
	c->start_us = clock_us();
	l->live++;
	l->tally.sessions++;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    (connect(c->fd, (const struct sockaddr *)&l->plan.server,
	    sizeof(l->plan.server)) < 0 && errno != EINPROGRESS) ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) < 0) {
		client_fail(l, c, &l->tally.at_connect, strerror(errno));
		return;
	}
	dialogue_begin(c);
}

/* sending */

static void
watch(struct load *l, struct client *c, bool blocked)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	if (c->blocked == blocked)
		return;
	c->blocked = blocked;
	if (blocked)
		e.events |= EPOLLOUT;
	(void)epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

static void
send_some(struct load *l, struct client *c, size_t limit)
{
	enum outbox_step step = outbox_send(&c->out, c->fd, limit);

	if (step == OUTBOX_FAILED)
		client_fail(l, c, &l->tally.at_end, strerror(errno));
	else
		watch(l, c, step == OUTBOX_BLOCKED);
}

static void
pace(struct load *l, struct client *c)
{
	if (c->paced)
		return;
	c->paced = true;
	c->due_us = clock_us() + l->plan.slow_us;
	c->next = NULL;
	if (!l->paced)
		l->paced_end = &l->paced;
	*l->paced_end = c;
	l->paced_end = &c->next;
}

void
client_flush(struct load *l, struct client *c)
{
	if (outbox_empty(&c->out) && !c->blocked)
		return;
	if (!l->plan.slow_us)
		send_some(l, c, SIZE_MAX);
	else if (c->blocked)
		send_some(l, c, l->plan.slow_octets);
	else
		pace(l, c);
}

int
client_pace(struct load *l)
{
	uint64_t now = l->paced ? clock_us() : 0;
	struct client *c;

	while ((c = l->paced) && c->due_us <= now) {
		l->paced = c->next;
		c->paced = false;
		if (c->fd < 0) {
			c->next = l->vacant;
			l->vacant = c;
			continue;
		}
		send_some(l, c, l->plan.slow_octets);
		if (c->fd >= 0 && !outbox_empty(&c->out) && !c->blocked)
			pace(l, c);
	}
	return c ? (int)((c->due_us - now) / 1000 + 1) : -1;
}

/* receiving */

static void
take_octet(struct load *l, struct client *c, char octet)
{
	if (octet == '\n') {
		if (c->line_n && c->line[c->line_n - 1] == '\r')
			c->line_n--;
		c->line[c->line_n] = '\0';
		c->line_n = 0;
		dialogue_reply(l, c);
	} else if (c->line_n < sizeof(c->line) - 1) {
		c->line[c->line_n++] = octet;
	} else {
		client_fail(l, c, &l->tally.at_reply, "reply too long");
	}
}

void
client_readable(struct load *l, struct client *c)
{
	char octets[16384];
	ssize_t n = recv(c->fd, octets, sizeof(octets), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 && c->finished) {
		leave(l, c);
	} else if (n <= 0) {
		client_fail(l, c, &l->tally.at_end,
		    n < 0 ? strerror(errno) : "connection closed");
	}
	for (ssize_t i = 0; i < n && c->fd >= 0; i++)
		take_octet(l, c, octets[i]);
	if (c->fd >= 0)
		client_flush(l, c);
}
