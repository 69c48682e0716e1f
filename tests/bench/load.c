/* load: a load generator for SMTP. One thread, many sessions at once.
 *
 * Prints one line of JSON. Exit: 0 all sessions went well, 1 not, 2 usage. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/bench/dialogue.h"

static const char usage[] =
    "usage: load -p PORT [-c CLIENTS] [-k MESSAGES] [-s SIZE]\n"
    "    [-n SESSIONS | -t SECONDS] [-m MEGABYTES] [-P | -PP] [-b CHUNK]\n"
    "    [-i] [-D DELAY_MS -O OCTETS] [-w SECONDS]\n"
    "-P: pipeline each message; -PP: across messages; -b: BDAT (0: one chunk)\n"
    "-i: open CLIENTS sessions, say READY, hold them until a line on stdin\n"
    "-D, -O: send slowly; -w: give up after so long without progress";

struct options {
	unsigned clients;
	uint64_t sessions;	/* 0: no bound */
	double seconds, patience;
	size_t size;
	int grouping;
};

static double
number(const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (*end || end == s || v < 0)
		errx(2, "not a number: %s", s);
	return v;
}

static void
read_options(int argc, char **argv, struct options *o, struct plan *p)
{
	int c;

	while ((c = getopt(argc, argv, "p:c:k:s:n:t:m:Pb:iD:O:w:")) != -1) {
		switch (c) {
		case 'p': p->server.sin_port =
			      htons((uint16_t)number(optarg)); break;
		case 'c': o->clients = (unsigned)number(optarg); break;
		case 'k': p->messages = (unsigned)number(optarg); break;
		case 's': o->size = (size_t)number(optarg); break;
		case 'n': o->sessions = (uint64_t)number(optarg); break;
		case 't': o->seconds = number(optarg); break;
		case 'm': p->octets_max =
			      (uint64_t)(number(optarg) * 1e6); break;
		case 'P': o->grouping++; break;
		case 'b': p->bdat = true;
			  p->chunk = (size_t)number(optarg); break;
		case 'i': p->idle = true; break;
		case 'D': p->slow_us = (uint64_t)(number(optarg) * 1e3); break;
		case 'O': p->slow_octets = (size_t)number(optarg); break;
		case 'w': o->patience = number(optarg); break;
		default: errx(2, "%s", usage);
		}
	}
	if (!p->server.sin_port || !o->clients || optind != argc)
		errx(2, "%s", usage);
	if (p->chunk && o->size / p->chunk >= OUTBOX_CHUNKS)
		errx(2, "at most %d chunks a message", OUTBOX_CHUNKS);
	p->grouping = o->grouping > 1 ? ACROSS_MESSAGES :
	    o->grouping ? WITHIN_MESSAGE : LOCKSTEP;
}

static void
poll_once(struct load *l, int ms)
{
	struct epoll_event event[512];
	int n = epoll_wait(l->epoll, event, 512, ms);

	for (int i = 0; i < n; i++) {
		struct client *c = event[i].data.ptr;

		if (c->fd >= 0 && (event[i].events & EPOLLOUT))
			client_flush(l, c);
		if (c->fd >= 0 && (event[i].events & ~(uint32_t)EPOLLOUT))
			client_readable(l, c);
	}
}

/* So many failures that going on would only spin. */
static bool
hopeless(const struct tally *t)
{
	return t->failed > 200 && t->failed > t->ok;
}

static void
fill(struct load *l, const struct options *o)
{
	while (l->vacant && !plan_spent(l) && !hopeless(&l->tally) &&
	    (!o->sessions || l->tally.sessions < o->sessions)) {
		struct client *c = l->vacant;

		l->vacant = c->next;
		client_start(l, c);
	}
}

static void
fail_all(struct load *l, struct client *clients, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (clients[i].fd >= 0)
			client_fail(l, &clients[i], &l->tally.at_stall,
			    "stalled");
}

static void
run(struct load *l, const struct options *o, struct client *clients)
{
	uint64_t seen = 0, moved = clock_us();

	fill(l, o);
	while (l->live) {
		const struct tally *t = &l->tally;
		int ms = client_pace(l);

		poll_once(l, ms < 0 || ms > 100 ? 100 : ms);
		if (t->messages + t->ok + t->failed != seen) {
			seen = t->messages + t->ok + t->failed;
			moved = clock_us();
		} else if ((double)(clock_us() - moved) > o->patience * 1e6) {
			fail_all(l, clients, o->clients);
			return;
		}
		fill(l, o);
	}
}

/* Poll for as long as goes_on says so and patience lasts. */
static void
poll_while(struct load *l, const struct options *o,
    bool (*goes_on)(const struct load *))
{
	uint64_t end = clock_us() + (uint64_t)(o->patience * 1e6);

	while (goes_on(l) && clock_us() < end)
		poll_once(l, 50);
}

static bool
many_open(const struct load *l)
{
	return l->live - l->tally.idle >= 100;
}

static bool
some_not_idle(const struct load *l)
{
	return l->live > l->tally.idle;
}

static bool
any_live(const struct load *l)
{
	return l->live > 0;
}

static void
run_idle(struct load *l, const struct options *o, struct client *clients)
{
	struct pollfd stdin_ready = { .fd = STDIN_FILENO, .events = POLLIN };

	for (unsigned i = 0; i < o->clients; i++) {
		client_start(l, &clients[i]);
		poll_while(l, o, many_open);
	}
	poll_while(l, o, some_not_idle);
	printf("READY %u\n", l->tally.idle);
	fflush(stdout);
	while (poll(&stdin_ready, 1, 0) == 0)
		poll_once(l, 50);
	for (unsigned i = 0; i < o->clients; i++) {
		if (clients[i].fd >= 0 && clients[i].waiting)
			dialogue_quit(l, &clients[i]);
		if (i % 100 == 0)
			poll_once(l, 0);
	}
	poll_while(l, o, any_live);
	fail_all(l, clients, o->clients);
}

static int
ascending(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The latency that this share of all sessions stayed below, in us. */
static uint32_t
percentile(const struct tally *t, double share)
{
	size_t i = (size_t)(share * (double)t->ok);

	return t->ok ? t->latency_us[i < t->ok ? i : t->ok - 1] : 0;
}

static void
report(struct tally *t, double elapsed)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	if (t->ok)
		qsort(t->latency_us, t->ok, sizeof(*t->latency_us), ascending);
	printf("{\"sessions_ok\":%" PRIu64 ",\"sessions_failed\":%" PRIu64
	    ",\"messages\":%" PRIu64 ",\"body_octets\":%" PRIu64
	    ",\"elapsed\":%.6f,\"p50_us\":%u,\"p99_us\":%u,\"ids\":%u"
	    ",\"pipelined\":%d,\"chunked\":%d", t->ok, t->failed, t->messages,
	    t->body_octets, elapsed, percentile(t, .5), percentile(t, .99),
	    t->next_id, t->pipelined, t->chunked);
	printf(",\"failed\":{\"connect\":%" PRIu64 ",\"end\":%" PRIu64
	    ",\"reply\":%" PRIu64 ",\"stall\":%" PRIu64 "},\"error\":\"%s\""
	    ",\"cpu_s\":%.6f}\n", t->at_connect, t->at_end, t->at_reply,
	    t->at_stall, t->error,
	    (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6);
}

static struct client *
make_clients(struct load *l, unsigned n)
{
	struct client *clients = calloc(n, sizeof(*clients));

	if (!clients)
		err(2, "%u clients", n);
	for (unsigned i = n; i-- > 0;) {
		clients[i].fd = -1;
		clients[i].next = l->vacant;
		l->vacant = &clients[i];
	}
	return clients;
}

static void
allow_many_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

int
main(int argc, char **argv)
{
	struct options o = { .clients = 1, .size = 1024, .patience = 20 };
	static struct load l;
	struct client *clients;
	uint64_t start_us;

	l.plan.messages = 1;
	l.plan.slow_octets = 512;
	l.plan.server.sin_family = AF_INET;
	l.plan.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	read_options(argc, argv, &o, &l.plan);
	if (!body_make(&l.plan.body, o.size))
		errx(2, "no message of %zu octets", o.size);
	allow_many_files();
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l.epoll < 0)
		err(2, "epoll");
	clients = make_clients(&l, o.clients);
	start_us = clock_us();
	if (o.seconds > 0)
		l.plan.stop_us = start_us + (uint64_t)(o.seconds * 1e6);
	else if (!o.sessions)
		o.sessions = o.clients;
	if (l.plan.idle)
		run_idle(&l, &o, clients);
	else
		run(&l, &o, clients);
	report(&l.tally, (double)(clock_us() - start_us) / 1e6);
	return l.tally.failed ? 1 : 0;
}
