#include "record/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

static void
wipe(struct text *t)
{
	if (t->p)
		OPENSSL_cleanse(t->p, t->room);
	text_free(t);
}

void
secret_free(struct secret *s)
{
	wipe(&s->kept);
	text_free(&s->mechanism);
	s->step = 0;
}

void
secret_forget(struct secret *s)
{
	wipe(&s->kept);
}

void
secret_auth(struct secret *s, struct span argument)
{
	text_clear(&s->mechanism);
	text_span(&s->mechanism, span_word(&argument));
	text_put(&s->mechanism, "", 1);
	s->step = 0;
}

/* Decode base64 into out; the octets, 0 if it is none. */
static size_t
decode(struct span text, unsigned char *out, size_t room)
{
	int n, padding = 0;

	if (text.n == 0 || text.n % 4 || text.n / 4 * 3 > room)
		return 0;
	n = EVP_DecodeBlock(out, (const unsigned char *)text.p, (int)text.n);
	while (padding < 2 && text.p[text.n - 1 - (size_t)padding] == '=')
		padding++;
	return n > padding ? (size_t)(n - padding) : 0;
}

/* PLAIN: authzid NUL authcid NUL password (RFC 4616). */
static struct span
plain_user(struct span s)
{
	const char *nul = memchr(s.p, '\0', s.n), *end;

	if (nul == NULL)
		return (struct span){ NULL, 0 };
	s = span_from(s, (size_t)(nul - s.p) + 1);
	end = memchr(s.p, '\0', s.n);
	return (struct span){ s.p, end ? (size_t)(end - s.p) : 0 };
}

/* XOAUTH2: "user=" name ^A ...; OAUTHBEARER: "n,a=" name ",^A" ... */
static struct span
bearer_user(struct span s, const char *before, char after)
{
	const char *end;

	if (!span_starts(s, before))
		return (struct span){ NULL, 0 };
	s = span_from(s, strlen(before));
	end = memchr(s.p, after, s.n);
	return (struct span){ s.p, end ? (size_t)(end - s.p) : 0 };
}

/* CRAM-MD5: name SP digest (RFC 2195). */
static struct span
cram_user(struct span s)
{
	size_t n = s.n;

	while (n && s.p[n - 1] != ' ')
		n--;
	return (struct span){ s.p, n ? n - 1 : 0 };
}

/* The name of the user in a decoded response, by mechanism. */
static struct span
user_of(const struct secret *s, struct span response)
{
	struct span mechanism = { s->mechanism.p,
	    s->mechanism.n ? s->mechanism.n - 1 : 0 };

	if (s->step != 1)
		return (struct span){ NULL, 0 };
	if (span_is(mechanism, "PLAIN"))
		return plain_user(response);
	if (span_is(mechanism, "LOGIN"))
		return response;
	if (span_is(mechanism, "CRAM-MD5"))
		return cram_user(response);
	if (span_is(mechanism, "XOAUTH2"))
		return bearer_user(response, "user=", '\1');
	if (span_is(mechanism, "OAUTHBEARER"))
		return bearer_user(response, "n,a=", ',');
	return (struct span){ NULL, 0 };
}

static void
write_user(struct span name, char *user, size_t room)
{
	size_t n = 0;

	if (name.n == 0 || name.n >= room)
		return;
	for (; n < name.n; n++)
		user[n] = name.p[n] > ' ' && name.p[n] < 0x7f ?
		    name.p[n] : '?';
	user[n] = '\0';
}

void
secret_put(struct secret *s, struct span credential, char *user, size_t room)
{
	unsigned char plain[SECRET_MAX];
	size_t n = decode(credential, plain, sizeof plain);
	struct span decoded = { (const char *)plain, n };

	s->step++;
	write_user(user_of(s, decoded), user, room);
	if (s->kept.n + credential.n + n <= SECRET_MAX) {
		text_span(&s->kept, credential);
		text_put(&s->kept, "", 1);
		text_span(&s->kept, decoded);
		text_put(&s->kept, "", 1);
	}
	OPENSSL_cleanse(plain, sizeof plain);
}

bool
secret_echoed(const struct secret *s, struct span text)
{
	for (size_t i = 0; i + SECRET_ECHO <= s->kept.n; i++) {
		if (memchr(s->kept.p + i, '\0', SECRET_ECHO))
			continue;
		if (text.n >= SECRET_ECHO &&
		    memmem(text.p, text.n, s->kept.p + i, SECRET_ECHO))
			return true;
	}
	return false;
}

void
secret_redact(struct text *out, struct span text, struct span secret)
{
	size_t before;

	if (secret.n == 0 || secret.p < text.p ||
	    secret.p + secret.n > text.p + text.n) {
		text_span(out, secret.n ? SPAN(SECRET_STAND_IN) : text);
		return;
	}
	before = (size_t)(secret.p - text.p);
	text_put(out, text.p, before);
	text_str(out, SECRET_STAND_IN);
	text_span(out, span_from(text, before + secret.n));
}
