#include "record/content.h"

#include <pthread.h>
#include <stdlib.h>

#include "inspect/message.h"

#define INSPECT_OCTETS 1024	/* between two looks whether to go on */

/* Fetched once: a fetch by name for every message costs as much as the digest
 * of a small one (OpenSSL 3.0 looks it up under a lock). */
static EVP_MD *sha256;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

struct content *
content_new(bool digest)
{
	struct content *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->mime = malloc(sizeof *c->mime);
	if (c->mime == NULL)
		goto fail;
	mime_start(c->mime, false);
	c->tail[0] = '\r';
	c->tail[1] = '\n';
	if (!digest)
		return c;
	(void)pthread_once(&fetched, fetch);
	c->digest = EVP_MD_CTX_new();
	if (sha256 == NULL || c->digest == NULL ||
	    !EVP_DigestInit_ex2(c->digest, sha256, NULL))
		goto fail;
	return c;
fail:
	content_free(c);
	return NULL;
}

void
content_free(struct content *c)
{
	if (c == NULL)
		return;
	EVP_MD_CTX_free(c->digest);
	free(c->mime);
	text_free(&c->header);
	free(c);
}

/* Octets at the front of s up to and with an empty line; 0 if there is none. */
static size_t
header_end(struct span s)
{
	const char *lf = s.p, *end = s.p + s.n;

	while (lf < end && (lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL) {
		lf++;
		if (end - lf >= 1 && lf[0] == '\n')
			return (size_t)(lf - s.p) + 1;
		if (end - lf >= 2 && lf[0] == '\r' && lf[1] == '\n')
			return (size_t)(lf - s.p) + 2;
	}
	return 0;
}

/* Keep what belongs to the header. An empty line that was cut in two is seen
 * once its second half is here, in what was kept. */
static void
keep_header(struct content *c, struct span bytes)
{
	size_t room = CONTENT_HEADER_MAX - c->header.n, n;
	size_t from = c->header.n > 3 ? c->header.n - 3 : 0;

	if (c->header_whole || room == 0)
		return;
	if (bytes.n > room)
		bytes.n = room;
	n = header_end(bytes);
	text_put(&c->header, bytes.p, n ? n : bytes.n);
	c->header_whole = n ||
	    header_end(span_from(text_all(&c->header), from));
}

static void
remember_tail(struct content *c, struct span bytes)
{
	if (bytes.n == 1)
		c->tail[0] = c->tail[1];
	else
		c->tail[0] = bytes.p[bytes.n - 2];
	c->tail[1] = bytes.p[bytes.n - 1];
}

/* Read on while something can be odd. To look at every octet of large parts costs
 * too much for those who did not ask for it: behind the first ones headers only. */
static void
inspect(struct content *c, struct span bytes)
{
	struct mime_find find;

	while (c->mime && bytes.n && !mime_done(c->mime)) {
		size_t n = INSPECT_OCTETS - c->inspected % INSPECT_OCTETS;
		struct span piece;

		if (c->inspected >= CONTENT_CHECKED_MAX) {
			mime_skim(c->mime);
			n = bytes.n;
		}
		if (n > bytes.n)
			n = bytes.n;
		piece = span_cut(&bytes, n);
		c->inspected += n;
		while (mime_read(c->mime, &piece, &find))
			;	/* finds are for policies */
	}
}

void
content_put(struct content *c, struct span bytes, bool stuffed)
{
	struct span meant = bytes;

	if (bytes.n == 0)
		return;
	/* The engine begins a new piece at every dot on a line start. */
	if (stuffed && bytes.p[0] == '.' && memcmp(c->tail, "\r\n", 2) == 0)
		meant = span_from(bytes, 1);
	remember_tail(c, bytes);
	c->size += meant.n;
	if (c->digest)
		(void)EVP_DigestUpdate(c->digest, meant.p, meant.n);
	keep_header(c, meant);
	inspect(c, meant);
}

uint64_t
content_odd(struct content *c)
{
	struct mime_find find;
	uint64_t odd;

	while (mime_end(c->mime, &find))
		;
	odd = c->mime->measures.anomalies;
	free(c->mime);
	c->mime = NULL;
	return odd;
}

void
content_digest(struct content *c, unsigned char digest[32])
{
	if (!c->digest || !EVP_DigestFinal_ex(c->digest, digest, NULL))
		memset(digest, 0, 32);
}

long
content_field(const struct content *c, const char *name, struct text *out)
{
	struct span header = text_all(&c->header);
	struct message_field field;
	char body[CONTENT_FIELD_MAX];
	long at = (long)out->n;

	while (message_next(&header, &field)) {
		if (!span_is(field.name, name))
			continue;
		text_printable(out, (struct span){ body,
		    message_unfold(field.body, body, sizeof body) });
		text_put(out, "", 1);
		return at;
	}
	return -1;
}
