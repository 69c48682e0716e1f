#include "proxy/resolver.h"

#include <ares.h>
#include <stdlib.h>

#define TRIES		2
#define TRY_MS		2000
#define SOCKETS_MAX	16	/* a query on one more runs into its timeout */

struct resolver {
	struct ev_loop *loop;
	ares_channel channel;
	ev_timer timer;
	ev_io sockets[SOCKETS_MAX];	/* fd -1: free */
};

struct lookup {
	struct resolver *resolver;
	int port;
	void (*done)(void *, const struct addresses *, const char *);
	void *arg;
};

/* c-ares wants to be called again when its next query times out. */
static void
arm_timer(struct resolver *r)
{
	struct timeval tv, *next = ares_timeout(r->channel, NULL, &tv);

	ev_timer_stop(r->loop, &r->timer);
	if (next == NULL)
		return;
	ev_timer_set(&r->timer, (double)tv.tv_sec + (double)tv.tv_usec / 1e6,
	    0.);
	ev_timer_start(r->loop, &r->timer);
}

static void
on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct resolver *r = w->data;

	(void)loop, (void)revents;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm_timer(r);
}

static void
on_socket(struct ev_loop *loop, ev_io *w, int revents)
{
	struct resolver *r = w->data;

	(void)loop;
	ares_process_fd(r->channel, revents & EV_READ ? w->fd : ARES_SOCKET_BAD,
	    revents & EV_WRITE ? w->fd : ARES_SOCKET_BAD);
	arm_timer(r);
}

static ev_io *
socket_of(struct resolver *r, int fd)
{
	for (int i = 0; i < SOCKETS_MAX; i++)
		if (r->sockets[i].fd == fd)
			return &r->sockets[i];
	return NULL;
}

/* c-ares has opened, closed or changed what it awaits of one of its sockets. */
static void
on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	ev_io *w = socket_of(r, fd);

	if (w == NULL)
		w = socket_of(r, -1);
	if (w == NULL)
		return;
	ev_io_stop(r->loop, w);
	if (!readable && !writable) {
		ev_io_set(w, -1, 0);
		return;
	}
	ev_io_set(w, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	ev_io_start(r->loop, w);
}

struct resolver *
resolver_new(struct ev_loop *loop)
{
	struct resolver *r = calloc(1, sizeof(*r));
	struct ares_options o = { .timeout = TRY_MS, .tries = TRIES,
	    .lookups = (char[]){ "fb" }, .sock_state_cb = on_state,
	    .sock_state_cb_data = r };

	if (r == NULL)
		return NULL;
	r->loop = loop;
	ev_init(&r->timer, on_timer);
	r->timer.data = r;
	for (int i = 0; i < SOCKETS_MAX; i++) {
		ev_io_init(&r->sockets[i], on_socket, -1, 0);
		r->sockets[i].data = r;
	}
	if (ares_init_options(&r->channel, &o, ARES_OPT_TIMEOUTMS |
	    ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB) !=
	    ARES_SUCCESS) {
		free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	ares_destroy(r->channel);
	ev_timer_stop(r->loop, &r->timer);
	free(r);
}

static void
on_result(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct lookup l = *(struct lookup *)arg;
	struct addresses found = { .n = 0 };

	(void)timeouts;
	free(arg);
	for (struct ares_addrinfo_node *node = info ? info->nodes : NULL;
	    node && found.n < RESOLVER_MAX; node = node->ai_next)
		if (address_from(&found.list[found.n], node->ai_addr))
			address_set_port(&found.list[found.n++],
			    (uint16_t)l.port);
	if (info)
		ares_freeaddrinfo(info);
	l.done(l.arg, &found, found.n ? NULL : status == ARES_SUCCESS ?
	    ares_strerror(ARES_ENODATA) : ares_strerror(status));
}

void
resolver_lookup(struct resolver *r, const struct endpoint *e,
    void (*done)(void *, const struct addresses *, const char *), void *arg)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };
	struct lookup *l = malloc(sizeof(*l));

	if (l == NULL) {
		done(arg, &(struct addresses){ .n = 0 }, "out of memory");
		return;
	}
	*l = (struct lookup){ r, e->port, done, arg };
	ares_getaddrinfo(r->channel, e->host, NULL, &hints, on_result, l);
	arm_timer(r);
}
