#include "proxy/origin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/log.h"

struct origin {
	unsigned users;
	struct ev_loop *loop;
	struct endpoint endpoint;
	struct resolver *resolver;	/* NULL: the host is a literal */
	ev_timer timer;			/* to tell, then to look it up again */
	void (*found)(void *, const char *error);	/* NULL: has been told */
	void *arg;
	const char *error;		/* of the last lookup; NULL: none */
	_Atomic bool unreachable;
	pthread_mutex_t lock;		/* of what follows */
	struct addresses addresses;
};

/* Runs in the loop of origin_open(). */
static void
on_lookup(void *arg, const struct addresses *found, const char *error)
{
	struct origin *o = arg;

	if (error == NULL) {
		(void)pthread_mutex_lock(&o->lock);
		o->addresses = *found;
		(void)pthread_mutex_unlock(&o->lock);
	}
	if (o->found)
		ev_timer_start(o->loop, &o->timer);
	else if (error && o->error == NULL)
		log_sentence(LOG_ERROR, "cannot look up %s any more: %s; "
		    "its old addresses stay in use", o->endpoint.host, error);
	else if (error == NULL && o->error)
		log_sentence(LOG_ERROR, "%s can be looked up again",
		    o->endpoint.host);
	o->error = error;
}

static void
on_refresh(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct origin *o = w->data;

	(void)loop, (void)revents;
	resolver_lookup(o->resolver, &o->endpoint, on_lookup, o);
}

/* Not within on_lookup(): who is told may close the resolver, which must not
 * happen while it calls. */
static void
on_first(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct origin *o = w->data;
	void (*found)(void *, const char *) = o->found;

	(void)revents;
	o->found = NULL;
	if (o->resolver) {
		ev_timer_init(w, on_refresh, ORIGIN_LIFETIME, ORIGIN_LIFETIME);
		ev_timer_start(loop, w);
	}
	found(o->arg, o->error);
}

struct origin *
origin_open(struct ev_loop *loop, const struct endpoint *e,
    void (*found)(void *arg, const char *error), void *arg)
{
	struct origin *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->users = 1;
	o->loop = loop;
	o->endpoint = *e;
	o->found = found;
	o->arg = arg;
	(void)pthread_mutex_init(&o->lock, NULL);	/* cannot fail on Linux */
	ev_timer_init(&o->timer, on_first, 0., 0.);
	o->timer.data = o;
	if (address_literal(e, &o->addresses.list[0])) {
		o->addresses.n = 1;
		ev_timer_start(loop, &o->timer);
		return o;
	}
	o->resolver = resolver_new(loop);
	if (o->resolver) {
		resolver_lookup(o->resolver, &o->endpoint, on_lookup, o);
		return o;
	}
	origin_drop(o);
	return NULL;
}

struct origin *
origin_keep(struct origin *o)
{
	o->users++;
	return o;
}

/* The lookup under way reports to o: it goes first, and starts the timer. */
void
origin_drop(struct origin *o)
{
	if (o == NULL || --o->users)
		return;
	o->error = "closing";
	resolver_free(o->resolver);
	ev_timer_stop(o->loop, &o->timer);
	(void)pthread_mutex_destroy(&o->lock);
	free(o);
}

bool
origin_address(struct origin *o, unsigned i, struct address *a)
{
	bool found;

	(void)pthread_mutex_lock(&o->lock);
	found = i < o->addresses.n;
	if (found)
		*a = o->addresses.list[i];
	(void)pthread_mutex_unlock(&o->lock);
	return found;
}

void
origin_failed(struct origin *o, const char *address, int error)
{
	if (atomic_exchange(&o->unreachable, true))
		return;
	log_sentence(LOG_ERROR, "cannot reach the mail server %s at %s: %s; "
	    "clients get 421", o->endpoint.host, address, strerror(error));
}

void
origin_reached(struct origin *o)
{
	if (!atomic_load_explicit(&o->unreachable, memory_order_relaxed) ||
	    !atomic_exchange(&o->unreachable, false))
		return;
	log_sentence(LOG_ERROR, "the mail server %s is reached again",
	    o->endpoint.host);
}
