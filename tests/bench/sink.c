/* sink: an SMTP server that accepts and verifies everything, in one thread.
 *
 * Prints READY and its port; on SIGUSR1 one line of JSON, what it has counted
 * since the last one. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/server.h"

#define READ_MAX (256 * 1024)	/* octets per read */

struct connection {
	int fd;
	bool blocked;		/* EPOLLOUT is on */
	struct server server;
};

struct sink {
	int epoll, listener, signals;
	struct body body;
	const struct body *expected;	/* NULL: nothing is compared */
	struct server_tally tally;
	uint64_t open;
	double cpu_s;			/* used until the last report */
};

static void
disconnect(struct sink *k, struct connection *c)
{
	server_fini(&c->server, &k->tally);
	close(c->fd);
	free(c);
	k->open--;
}

static void
watch(struct sink *k, struct connection *c, bool blocked)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	if (c->blocked == blocked)
		return;
	c->blocked = blocked;
	if (blocked)
		e.events |= EPOLLOUT;
	(void)epoll_ctl(k->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

/* False: the connection is to go. */
static bool
send_replies(struct sink *k, struct connection *c)
{
	struct server *s = &c->server;

	while (s->replies_n) {
		ssize_t n = send(c->fd, s->replies, s->replies_n, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			watch(k, c, true);
			return true;
		}
		if (n < 0)
			return false;
		server_sent(s, (size_t)n);
	}
	watch(k, c, false);
	return !s->closing;
}

/* False: the connection is to go. */
static bool
receive(struct sink *k, struct connection *c)
{
	static char octets[SERVER_HEADROOM + READ_MAX];
	char *p = octets + SERVER_HEADROOM;
	ssize_t n;

	do {
		n = recv(c->fd, p, READ_MAX, 0);
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		server_take(&c->server, k->expected, &k->tally, p, (size_t)n);
		if (!send_replies(k, c))
			return false;
	} while (n == READ_MAX);
	return true;
}

static void
serve(struct sink *k, struct connection *c, uint32_t events)
{
	bool alive = true;

	if (events & EPOLLOUT)
		alive = send_replies(k, c);
	if (alive && (events & ~(uint32_t)EPOLLOUT))
		alive = receive(k, c);
	if (!alive)
		disconnect(k, c);
}

static void
add(struct sink *k, int fd, void *data)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = data };

	if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		err(2, "epoll_ctl");
}

static void
accept_all(struct sink *k)
{
	int fd, on = 1;

	while ((fd = accept4(k->listener, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof(*c));

		if (!c)
			err(2, "a connection");
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c->fd = fd;
		server_init(&c->server);
		k->open++;
		add(k, fd, c);
		if (!send_replies(k, c))
			disconnect(k, c);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		err(2, "accept");
}

static double
cpu_used(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
report(struct sink *k)
{
	const struct server_tally *t = &k->tally;
	struct signalfd_siginfo si;
	double cpu_s = cpu_used();

	while (read(k->signals, &si, sizeof(si)) == sizeof(si))
		;
	printf("{\"open\":%" PRIu64 ",\"messages\":%" PRIu64
	    ",\"body_octets\":%" PRIu64 ",\"bad\":%" PRIu64
	    ",\"id_sum\":%" PRIu64 ",\"odd_commands\":%" PRIu64
	    ",\"cut_short\":%" PRIu64 ",\"cpu_s\":%.6f}\n", k->open,
	    t->messages, t->body_octets, t->bad, t->id_sum, t->odd_commands,
	    t->cut_short, cpu_s - k->cpu_s);
	fflush(stdout);
	k->cpu_s = cpu_s;
	memset(&k->tally, 0, sizeof(k->tally));
}

static void
listen_anywhere(struct sink *k)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	k->listener = socket(AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(k->listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(k->listener, 4096) < 0 ||
	    getsockname(k->listener, (struct sockaddr *)&a, &n) < 0)
		err(2, "listen on 127.0.0.1");
	add(k, k->listener, &k->listener);
	printf("READY %d\n", ntohs(a.sin_port));
	fflush(stdout);
}

static void
catch_sigusr1(struct sink *k)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	k->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	add(k, k->signals, &k->signals);
}

static void
poll_once(struct sink *k)
{
	struct epoll_event event[256];
	int n = epoll_wait(k->epoll, event, 256, -1);

	for (int i = 0; i < n; i++) {
		void *what = event[i].data.ptr;

		if (what == &k->listener)
			accept_all(k);
		else if (what == &k->signals)
			report(k);
		else
			serve(k, what, event[i].events);
	}
}

int
main(int argc, char **argv)
{
	static struct sink k;
	struct rlimit files;

	if (argc > 2)
		errx(2, "usage: sink [SIZE]  (of the bodies to expect)");
	if (argc == 2) {
		if (!body_make(&k.body, strtoul(argv[1], NULL, 10)))
			errx(2, "no message of %s octets", argv[1]);
		k.expected = &k.body;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	k.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (k.epoll < 0)
		err(2, "epoll");
	catch_sigusr1(&k);
	listen_anywhere(&k);
	for (;;)
		poll_once(&k);
}
