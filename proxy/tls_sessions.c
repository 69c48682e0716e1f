#include "proxy/tls_sessions.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct kept {
	char *host;
	SSL_SESSION *session;
};

struct tls_sessions {
	pthread_mutex_t lock;
	unsigned next;			/* to be written, the oldest */
	struct kept ring[TLS_SESSIONS_MAX];
};

struct tls_sessions *
tls_sessions_new(void)
{
	struct tls_sessions *s = calloc(1, sizeof(*s));

	if (s)
		(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail here */
	return s;
}

static void
forget(struct kept *k)
{
	SSL_SESSION_free(k->session);
	free(k->host);
	*k = (struct kept){ NULL, NULL };
}

void
tls_sessions_free(struct tls_sessions *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < TLS_SESSIONS_MAX; i++)
		forget(&s->ring[i]);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

bool
tls_sessions_put(struct tls_sessions *s, const char *host,
    SSL_SESSION *session)
{
	char *copy = strdup(host);

	if (copy == NULL)
		return false;
	(void)pthread_mutex_lock(&s->lock);
	forget(&s->ring[s->next]);
	s->ring[s->next] = (struct kept){ copy, session };
	s->next = (s->next + 1) % TLS_SESSIONS_MAX;
	(void)pthread_mutex_unlock(&s->lock);
	return true;
}

static SSL_SESSION *
take(struct kept *k)
{
	SSL_SESSION *session = k->session;

	if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION)
		return SSL_SESSION_up_ref(session) == 1 ? session : NULL;
	k->session = NULL;
	forget(k);
	return session;
}

SSL_SESSION *
tls_sessions_take(struct tls_sessions *s, const char *host)
{
	SSL_SESSION *session = NULL;

	(void)pthread_mutex_lock(&s->lock);
	for (unsigned i = 1; i <= TLS_SESSIONS_MAX && !session; i++) {
		struct kept *k = &s->ring[(s->next + TLS_SESSIONS_MAX - i) %
		    TLS_SESSIONS_MAX];

		if (k->host && strcmp(k->host, host) == 0)
			session = take(k);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return session;
}
