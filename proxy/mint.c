#include "proxy/mint.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "record/certificate.h"

#define DAY	86400
#define PLACES	256		/* of the hash table */

struct leaf {
	TAILQ_ENTRY(leaf) used;
	LIST_ENTRY(leaf) same;
	X509 *x;
	time_t stale;
	char name[];
};

struct mint {
	X509 *ca;
	EVP_PKEY *ca_key, *key;
	pthread_mutex_t lock;		/* of what follows */
	TAILQ_HEAD(leaves, leaf) used;	/* the last used first */
	LIST_HEAD(, leaf) places[PLACES];
	unsigned kept;
};

/* FNV-1a; a client that makes its names meet wins a list of MINT_KEPT. */
static unsigned
place(const char *name)
{
	uint32_t h = 2166136261;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619;
	return h % PLACES;
}

struct mint *
mint_new(X509 *ca, EVP_PKEY *ca_key)
{
	struct mint *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	(void)pthread_mutex_init(&m->lock, NULL);	/* cannot fail here */
	TAILQ_INIT(&m->used);
	if (X509_up_ref(ca) == 1)
		m->ca = ca;
	if (EVP_PKEY_up_ref(ca_key) == 1)
		m->ca_key = ca_key;
	m->key = certificate_key();
	if (m->ca && m->ca_key && m->key)
		return m;
	mint_free(m);
	return NULL;
}

static void
forget(struct mint *m, struct leaf *leaf)
{
	TAILQ_REMOVE(&m->used, leaf, used);
	LIST_REMOVE(leaf, same);
	X509_free(leaf->x);
	free(leaf);
	m->kept--;
}

void
mint_free(struct mint *m)
{
	if (m == NULL)
		return;
	while (!TAILQ_EMPTY(&m->used))
		forget(m, TAILQ_FIRST(&m->used));
	X509_free(m->ca);
	EVP_PKEY_free(m->ca_key);
	EVP_PKEY_free(m->key);
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}

/* One that was kept, with a reference for the caller. Locked. */
static X509 *
find(struct mint *m, const char *name, time_t now)
{
	struct leaf *leaf;

	LIST_FOREACH(leaf, &m->places[place(name)], same)
		if (strcmp(leaf->name, name) == 0)
			break;
	if (leaf == NULL)
		return NULL;
	if (now >= leaf->stale) {
		forget(m, leaf);
		return NULL;
	}
	TAILQ_REMOVE(&m->used, leaf, used);
	TAILQ_INSERT_HEAD(&m->used, leaf, used);
	return X509_up_ref(leaf->x) == 1 ? leaf->x : NULL;
}

/* It is no error if it cannot be kept. Locked. */
static void
keep(struct mint *m, const char *name, X509 *x, time_t stale)
{
	size_t n = strlen(name) + 1;
	struct leaf *leaf = malloc(sizeof(*leaf) + n);

	if (leaf == NULL)
		return;
	if (X509_up_ref(x) != 1) {
		free(leaf);
		return;
	}
	leaf->x = x;
	leaf->stale = stale;
	memcpy(leaf->name, name, n);
	if (m->kept == MINT_KEPT)
		forget(m, TAILQ_LAST(&m->used, leaves));
	TAILQ_INSERT_HEAD(&m->used, leaf, used);
	LIST_INSERT_HEAD(&m->places[place(name)], leaf, same);
	m->kept++;
}

/* Names are one whatever their case. */
static bool
fold(const char *name, char out[CERTIFICATE_NAME])
{
	size_t n = strlen(name);

	if (n >= CERTIFICATE_NAME)
		return false;
	for (size_t i = 0; i <= n; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ?
		    name[i] + ('a' - 'A') : name[i]);
	return true;
}

/* Signs without the lock: two clients of a new name may both have one made. */
X509 *
mint_leaf(struct mint *m, const char *name, time_t now)
{
	struct certificate_term term = { now - DAY, now + MINT_DAYS * DAY };
	char folded[CERTIFICATE_NAME];
	X509 *x;

	if (!fold(name, folded))
		return NULL;
	(void)pthread_mutex_lock(&m->lock);
	x = find(m, folded, now);
	(void)pthread_mutex_unlock(&m->lock);
	if (x)
		return x;
	x = certificate_leaf(folded, m->key, m->ca, m->ca_key, term);
	if (x == NULL)
		return NULL;
	(void)pthread_mutex_lock(&m->lock);
	keep(m, folded, x, now + MINT_DAYS * DAY / 4);
	(void)pthread_mutex_unlock(&m->lock);
	return x;
}

EVP_PKEY *
mint_key(const struct mint *m)
{
	return m->key;
}
