#include "record/batch_tls.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "record/certificate.h"

#define PEM_MAX	32768	/* octets of a certificate */

static bool
put_certificate(struct statements *sql, const unsigned char sha256[32],
    struct span pem)
{
	struct bind v = bind_start(sql, SQL_CERTIFICATE_PUT);

	bind_bytes(&v, sha256, 32);
	bind_text(&v, pem);
	return bind_run(&v);
}

/* One of a chain: its row, and its fingerprint into the list. */
static bool
put_link(struct statements *sql, X509 *certificate, struct text *list)
{
	unsigned char sha256[32];
	char pem[PEM_MAX];
	size_t n = certificate_pem(certificate, pem, sizeof(pem));

	if (n == 0 || !certificate_fingerprint(certificate, sha256))
		return true;
	text_str(list, list->n ? ",\"" : "[\"");
	for (size_t i = 0; i < sizeof(sha256); i++)
		text_printf(list, "%02x", sha256[i]);
	text_str(list, "\"");
	return put_certificate(sql, sha256, (struct span){ pem, n });
}

/* The list of fingerprints, as JSON; none: it stays empty. */
static bool
put_chain(struct statements *sql, const struct text *chain, struct text *list)
{
	BIO *in = chain->n ? BIO_new_mem_buf(chain->p, (int)chain->n) : NULL;
	X509 *certificate;
	bool ok = true;

	while (in && ok &&
	    (certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		ok = put_link(sql, certificate, list);
		X509_free(certificate);
	}
	BIO_free(in);
	if (list->n)
		text_str(list, "]");
	return ok;
}

static void
bind_known(struct bind *v, const struct text *t)
{
	if (t->n && !t->failed)
		bind_text(v, text_all(t));
	else
		bind_str(v, NULL);
}

bool
batch_tls(struct statements *sql, int64_t id, const struct recorder_tls *tls)
{
	struct text list = { 0 };
	bool ok = put_chain(sql, &tls->chain, &list);
	struct bind v = bind_start(sql, SQL_TLS_PUT);

	bind_int(&v, id);
	bind_int(&v, tls->t_us);
	bind_int(&v, tls->opaque);
	bind_str(&v, tls->version);
	bind_str(&v, tls->cipher);
	bind_str(&v, tls->group);
	bind_str(&v, tls->sni);
	bind_str(&v, tls->alpn);
	bind_str(&v, tls->verified);
	bind_int(&v, tls->resumed);
	bind_int_or_null(&v, tls->handshake_us >= 0, tls->handshake_us);
	bind_known(&v, &list);
	bind_str(&v, tls->offered);
	bind_int_or_null(&v, tls->opaque, (int64_t)tls->octets);
	ok = ok && bind_run(&v);
	text_free(&list);
	return ok;
}
