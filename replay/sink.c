#include "replay/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "replay/net.h"
#include "replay/print.h"

#define IN_MAX	(2 * SMTP_LINE_MAX)	/* octets of a client held, at most */
#define OUT_MAX	16384			/* octets of replies it has not taken */
#define IDLE	(300 * NET_SECOND)
#define SWEEP_MS 10000			/* how often the idle are looked for */
#define EVENTS	256

struct client {
	struct client *next, **link;
	int fd;
	bool ended;		/* it sends no more */
	bool closing;		/* no more is read as SMTP; replies still go */
	bool shut;		/* all replies have gone, our FIN is sent */
	uint32_t interest;	/* EPOLLIN | EPOLLOUT as the kernel knows it */
	int64_t heard;		/* ns, when anything last moved */
	struct smtp_session smtp;
	struct answer answer;
	unsigned messages;
	uint64_t octets;	/* of this message */
	size_t in_n, out_n;
	char name[NET_NAME_MAX];
	char sender[256];	/* NUL-terminated, cut */
	char in[IN_MAX], out[OUT_MAX];
};

struct sink {
	const struct sink_options *options;
	int epoll, listener, signals;
	bool accepting;		/* the listener is being polled */
	struct client *clients;
	uint64_t queue_id;
};

static void
say_closed(const struct client *c)
{
	fprintf(stderr, "%s closed messages=%u\n", c->name, c->messages);
}

static void
say_message(const struct client *c, unsigned rcpts, int code)
{
	fprintf(stderr, "%s message %u from=<", c->name, c->messages);
	(void)print_safe(stderr, span_of(c->sender));
	fprintf(stderr, "> rcpts=%u octets=%" PRIu64 " code=%d\n", rcpts,
	    c->octets, code);
}

static bool
watch(struct sink *k, int fd, int how, uint32_t interest, void *who)
{
	struct epoll_event e = { .events = interest, .data.ptr = who };

	return epoll_ctl(k->epoll, how, fd, &e) == 0;
}

static void
accept_more(struct sink *k, bool on)
{
	if (k->accepting != on && watch(k, k->listener, EPOLL_CTL_MOD,
	    on ? EPOLLIN : 0, &k->listener))
		k->accepting = on;
}

static void
client_free(struct sink *k, struct client *c)
{
	if (k->options->verbose)
		say_closed(c);
	if (c->next)
		c->next->link = c->link;
	*c->link = c->next;
	(void)close(c->fd);
	free(c);
	accept_more(k, true);
}

/* What we have said is read back by the engine, like any server's. */
static void
reply(struct sink *k, struct client *c, size_t n)
{
	struct span bytes = { c->out + c->out_n, n };
	unsigned rcpts = c->answer.rcpts;
	struct smtp_event ev;

	c->out_n += n;
	while (smtp_next(&c->smtp, SMTP_SERVER, &bytes, &ev) == SMTP_EVENT) {
		answer_fact(&c->answer, ev.fact);
		if (ev.fact == SMTP_FACT_CLOSING)
			c->closing = true;
		if (c->answer.due || (ev.fact != SMTP_FACT_TX_REFUSED &&
		    ev.fact != SMTP_FACT_TX_COMMITTED))
			continue;
		c->messages += ev.fact == SMTP_FACT_TX_COMMITTED;
		if (k->options->verbose)
			say_message(c, rcpts, ev.code);
	}
}

/* Keep what the line about a message says. */
static void
note(struct client *c, const struct smtp_event *ev)
{
	struct span path;

	if (ev->tile == SMTP_CONTENT)
		c->octets += ev->raw.n;
	if (ev->tile != SMTP_COMMAND || ev->verb != SMTP_MAIL)
		return;
	path = smtp_path(ev->text);
	if (path.n >= sizeof c->sender)
		path.n = sizeof c->sender - 1;
	memcpy(c->sender, path.p, path.n);
	c->sender[path.n] = '\0';
	c->octets = 0;
}

/* Read what has come. True: there may be more, but no room to answer it. */
static bool
converse(struct sink *k, struct client *c)
{
	struct span in = { c->in, c->in_n };
	struct smtp_event ev;
	bool full = false;
	size_t n;

	while (!c->closing) {
		full = OUT_MAX - c->out_n < ANSWER_MAX;
		if (full)
			break;
		if (c->answer.due) {
			n = answer_due(&c->answer, c->out + c->out_n);
		} else {
			if (smtp_next(&c->smtp, SMTP_CLIENT, &in, &ev) !=
			    SMTP_EVENT)
				break;
			note(c, &ev);
			n = answer_event(&c->answer, &ev, c->out + c->out_n);
		}
		reply(k, c, n);
	}
	memmove(c->in, in.p, in.n);
	c->in_n = c->closing ? 0 : in.n;
	return full;
}

/* False: the client is gone. */
static bool
flush(struct client *c)
{
	size_t n;

	if (c->out_n == 0)
		return true;
	if (net_write(c->fd, (struct span){ c->out, c->out_n }, &n) != NET_OK)
		return false;
	c->out_n -= n;
	memmove(c->out, c->out + n, c->out_n);
	if (n)
		c->heard = net_now();
	return true;
}

/* False: the client is gone. Behind our last reply, what still comes is read
 * and dropped: to close on unread bytes would reset the connection, and the
 * reset might overtake the reply (RFC 1122 4.2.2.13). */
static bool
hear(struct client *c)
{
	enum net_result result;
	size_t n;

	result = net_read(c->fd, c->in + c->in_n, IN_MAX - c->in_n, &n);
	if (c->closing)
		return result == NET_OK;
	c->in_n += n;
	c->heard = net_now();
	if (result == NET_CLOSED) {
		c->ended = true;
		smtp_end(&c->smtp, SMTP_CLIENT);
	}
	return result != NET_FAILED;
}

/* False: all has been said. */
static bool
speak(struct sink *k, struct client *c)
{
	bool more;

	do {
		more = converse(k, c);
		if (!flush(c))
			return false;
	} while (more && c->out_n == 0);
	if (c->out_n)
		return true;
	if (c->closing && !c->shut) {
		(void)shutdown(c->fd, SHUT_WR);
		c->shut = true;
	}
	return !c->ended;
}

static void
client_turn(struct sink *k, struct client *c, uint32_t events)
{
	uint32_t interest = 0;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !c->ended &&
	    c->in_n < IN_MAX && !hear(c)) {
		client_free(k, c);
		return;
	}
	if (!speak(k, c)) {
		client_free(k, c);
		return;
	}
	if (!c->ended && c->in_n < IN_MAX)
		interest |= EPOLLIN;
	if (c->out_n)
		interest |= EPOLLOUT;
	if (interest != c->interest &&
	    !watch(k, c->fd, EPOLL_CTL_MOD, interest, c)) {
		client_free(k, c);
		return;
	}
	c->interest = interest;
}

static void
client_new(struct sink *k, int fd, const char *name)
{
	/* Not cleared whole: in and out are touched as they fill. */
	struct client *c = malloc(sizeof *c);

	if (c == NULL || !watch(k, fd, EPOLL_CTL_ADD, EPOLLIN, c)) {
		free(c);
		(void)close(fd);
		return;
	}
	memset(c, 0, offsetof(struct client, in));
	c->fd = fd;
	c->interest = EPOLLIN;
	c->heard = net_now();
	memcpy(c->name, name, sizeof c->name);
	c->answer = (struct answer){
		.refusals = k->options->refusals,
		.nrefusals = k->options->nrefusals,
		.queue_id = &k->queue_id,
	};
	c->next = k->clients;
	c->link = &k->clients;
	if (c->next)
		c->next->link = &c->next;
	k->clients = c;
	smtp_start(&c->smtp);
	smtp_strict(&c->smtp, true);
	reply(k, c, answer_greeting(&c->answer, c->out));
	client_turn(k, c, 0);
}

static void
accept_all(struct sink *k)
{
	char name[NET_NAME_MAX];
	int fd;

	while ((fd = net_accept(k->listener, name)) >= 0)
		client_new(k, fd, name);
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		accept_more(k, false);
}

static void
sweep(struct sink *k)
{
	int64_t limit = net_now() - IDLE;
	struct client *c, *next;

	for (c = k->clients; c; c = next) {
		next = c->next;
		if (c->heard < limit)
			client_free(k, c);
	}
	accept_more(k, true);
}

static void
serve(struct sink *k)
{
	struct epoll_event events[EVENTS];
	int64_t swept = net_now();
	int n;

	for (;;) {
		n = epoll_wait(k->epoll, events, EVENTS, SWEEP_MS);
		for (int i = 0; i < n; i++) {
			void *who = events[i].data.ptr;

			if (who == &k->signals)
				return;
			if (who == &k->listener)
				accept_all(k);
			else
				client_turn(k, who, events[i].events);
		}
		if (net_now() - swept > SWEEP_MS * (NET_SECOND / 1000)) {
			sweep(k);
			swept = net_now();
		}
	}
}

/* Queue ids start where no run before has been, as real ones do. */
static uint64_t
first_queue_id(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec << 16) & UINT64_C(0xffffffffffff);
}

int
sink_run(const struct sink_options *options)
{
	struct sink k = { .options = options, .epoll = -1, .signals = -1,
	    .queue_id = first_queue_id(), .accepting = true };
	char name[NET_NAME_MAX], error[NET_ERROR_MAX] = "";
	int status = EXIT_USAGE;

	k.listener = net_listen(options->listen, name, error);
	if (k.listener < 0)
		return complain(EXIT_USAGE, "%s", error);
	k.signals = net_signals(error);
	if (k.signals < 0)
		goto out;
	k.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (k.epoll < 0 ||
	    !watch(&k, k.listener, EPOLL_CTL_ADD, EPOLLIN, &k.listener) ||
	    !watch(&k, k.signals, EPOLL_CTL_ADD, EPOLLIN, &k.signals)) {
		snprintf(error, sizeof error, "epoll: %s", strerror(errno));
		goto out;
	}
	if (options->ready_fd >= 0 && !net_ready(options->ready_fd, name, error))
		goto out;
	serve(&k);
	status = EXIT_OK;
out:
	while (k.clients)
		client_free(&k, k.clients);
	if (k.epoll >= 0)
		(void)close(k.epoll);
	if (k.signals >= 0)
		(void)close(k.signals);
	(void)close(k.listener);
	return status == EXIT_OK ? status : complain(status, "%s", error);
}
