#include "proxy/settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "proxy/keylog.h"
#include "proxy/listener_tls.h"
#include "proxy/policies.h"

struct settings *
settings_new(unsigned n_listeners)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->users = 1;
	s->drain_timeout = 30;
	s->listeners = calloc(n_listeners, sizeof(*s->listeners));
	if (s->listeners == NULL) {
		free(s);
		return NULL;
	}
	for (unsigned i = 0; i < n_listeners; i++) {
		struct settings_listener *l = &s->listeners[i];

		l->idle_timeout = 300;	/* RFC 5321 4.5.3.2.7 */
		l->data_timeout = 600;	/* 4.5.3.2.6 */
		l->connect_timeout = 30;
	}
	s->n_listeners = n_listeners;
	return s;
}

void
settings_take_listener(struct settings *s, struct settings_listener *l,
    const char *name, const struct options *o)
{
	const char *called = o->policy ? o->policy : "none";
	const struct policy *policy = s->policies ?
	    policies_find(s->policies, called) : NULL;
	bool counts = policy && (listener_tls_is_used(o) ||
	    !policy_is_empty(policy));

	(void)strncpy(l->name, name, sizeof(l->name) - 1);
	memcpy(l->listen, o->listen.list, sizeof(l->listen));
	l->n_listen = o->listen.n;
	l->upstream = o->upstream;
	l->policy = counts ? policy : NULL;
	l->max_sessions = o->max_sessions;
	l->idle_timeout = o->idle_timeout;
	l->data_timeout = o->data_timeout;
	l->connect_timeout = o->connect_timeout;
}

bool
settings_take_policies(struct settings *s, struct policies *policies)
{
	s->policies = policies;
	if (policies == NULL || !policies_limit_rates(policies))
		return true;
	s->rates = calloc(1, sizeof(*s->rates));
	if (s->rates == NULL)
		return false;
	if (getrandom(&s->rates->seed, sizeof(s->rates->seed),
	    GRND_NONBLOCK) < 0)
		s->rates->seed = 0;	/* early in boot: better than to wait */
	return true;
}

struct settings *
settings_from_options(const struct options *o, struct policies *policies)
{
	struct settings *s = settings_new(1);
	bool rates;

	if (s == NULL) {
		policies_free(policies);
		return NULL;
	}
	rates = settings_take_policies(s, policies);
	settings_take_listener(s, &s->listeners[0], "", o);
	s->listeners[0].max_sessions = 0;	/* that of all will do */
	s->record = strdup(o->record);
	s->on_failure = o->on_failure;
	s->threads = o->threads;
	s->max_sessions = o->max_sessions;
	s->drain_timeout = o->drain_timeout;
	if (s->record && rates)
		return s;
	settings_free(s);
	return NULL;
}

bool
settings_log_keys(struct settings *s)
{
	for (unsigned i = 0; i < s->n_listeners; i++)
		if (!listener_tls_log_keys(&s->listeners[i], s->error))
			return false;
	return true;
}

void
settings_reopen_keys(struct settings *s)
{
	for (unsigned i = 0; i < s->n_listeners; i++)
		if (s->listeners[i].keylog)
			keylog_reopen(s->listeners[i].keylog);
}

/* The last lookup is over. */
static void
one_less(struct settings *s)
{
	if (--s->awaited == 0)
		s->resolved(s->arg);
}

static void
on_found(void *arg, const char *error)
{
	struct settings_listener *l = arg;
	struct settings *s = l->settings;

	if (error && s->error[0] == '\0' && l->name[0])
		(void)snprintf(s->error, sizeof(s->error), "listener \"%s\": "
		    "cannot find the mail server, upstream %s: %s", l->name,
		    l->upstream.host, error);
	else if (error && s->error[0] == '\0')
		(void)snprintf(s->error, sizeof(s->error), "cannot find the "
		    "mail server --upstream %s: %s", l->upstream.host, error);
	one_less(s);
}

/* That of the first n sections with this upstream. */
static struct origin *
origin_known(const struct settings *s, unsigned n, const struct endpoint *e)
{
	for (unsigned i = 0; i < n; i++) {
		const struct settings_listener *l = &s->listeners[i];

		if (l->origin && l->upstream.port == e->port &&
		    strcasecmp(l->upstream.host, e->host) == 0)
			return origin_keep(l->origin);
	}
	return NULL;
}

static struct settings_seats *
seats_known(const struct settings *s, const char *name)
{
	for (unsigned i = 0; s && i < s->n_listeners; i++)
		if (strcmp(s->listeners[i].name, name) == 0)
			return s->listeners[i].seats;
	return NULL;
}

static void
find_seats(struct settings_listener *l, const struct settings *before)
{
	l->seats = seats_known(before, l->name);
	if (l->seats == NULL)
		l->seats = calloc(1, sizeof(*l->seats));
	if (l->seats)
		l->seats->users++;
	else
		(void)strcpy(l->settings->error, "out of memory");
}

void
settings_resolve(struct settings *s, struct ev_loop *loop,
    const struct settings *before, void (*resolved)(void *arg), void *arg)
{
	s->error[0] = '\0';
	s->resolved = resolved;
	s->arg = arg;
	s->awaited = 1;		/* not over before all have begun */
	for (unsigned i = 0; i < s->n_listeners; i++) {
		struct settings_listener *l = &s->listeners[i];

		l->settings = s;
		find_seats(l, before);
		l->origin = origin_known(s, i, &l->upstream);
		if (l->origin == NULL && before)
			l->origin = origin_known(before, before->n_listeners,
			    &l->upstream);
		if (l->origin)
			continue;
		s->awaited++;
		l->origin = origin_open(loop, &l->upstream, on_found, l);
		if (l->origin == NULL)
			on_found(l, "out of memory");
	}
	one_less(s);
}

struct settings *
settings_keep(struct settings *s)
{
	atomic_fetch_add_explicit(&s->users, 1, memory_order_relaxed);
	return s;
}

bool
settings_drop(struct settings *s)
{
	return atomic_fetch_sub_explicit(&s->users, 1, memory_order_acq_rel) ==
	    1;
}

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n_listeners; i++) {
		struct settings_listener *l = &s->listeners[i];

		origin_drop(l->origin);
		listener_tls_close(l);
		if (l->seats && --l->seats->users == 0)
			free(l->seats);
	}
	policies_free(s->policies);
	free(s->rates);
	free(s->record);
	free(s->listeners);
	free(s);
}
