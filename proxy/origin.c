#include "proxy/origin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/log.h"

struct origin {
	struct ev_loop *loop;
	struct endpoint endpoint;
	struct resolver *resolver;	/* NULL: the host is a literal */
	ev_timer refresh;
	bool starting;
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
	if (o->starting)
		ev_break(o->loop, EVBREAK_ONE);
	else if (error && o->error == NULL)
		log_sentence(LOG_ERROR, "cannot look up %s any more: %s; "
		    "its old addresses stay in use", o->endpoint.host, error);
	else if (error == NULL && o->error)
		log_sentence(LOG_ERROR, "%s can be looked up again",
		    o->endpoint.host);
	o->error = error;
	o->starting = false;
}

static void
on_refresh(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct origin *o = w->data;

	(void)loop, (void)revents;
	resolver_lookup(o->resolver, &o->endpoint, on_lookup, o);
}

/* False: there is no address; *error says why. */
static bool
look_up(struct origin *o, const char **error)
{
	*error = "out of memory";
	o->resolver = resolver_new(o->loop);
	if (o->resolver == NULL)
		return false;
	o->starting = true;
	resolver_lookup(o->resolver, &o->endpoint, on_lookup, o);
	if (o->starting)
		ev_run(o->loop, 0);
	*error = o->starting ? "interrupted" : o->error;
	if (o->addresses.n == 0)
		return false;
	ev_timer_init(&o->refresh, on_refresh, ORIGIN_LIFETIME,
	    ORIGIN_LIFETIME);
	o->refresh.data = o;
	ev_timer_start(o->loop, &o->refresh);
	return true;
}

struct origin *
origin_open(struct ev_loop *loop, const struct endpoint *e, const char **error)
{
	struct origin *o = calloc(1, sizeof(*o));

	*error = "out of memory";
	if (o == NULL)
		return NULL;
	o->loop = loop;
	o->endpoint = *e;
	(void)pthread_mutex_init(&o->lock, NULL);	/* cannot fail on Linux */
	if (address_literal(e, &o->addresses.list[0])) {
		o->addresses.n = 1;
		return o;
	}
	if (look_up(o, error))
		return o;
	origin_close(o);
	return NULL;
}

/* The lookup under way reports to o: it goes first. */
void
origin_close(struct origin *o)
{
	if (o == NULL)
		return;
	o->starting = false;
	o->error = "closing";
	resolver_free(o->resolver);
	ev_timer_stop(o->loop, &o->refresh);
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
