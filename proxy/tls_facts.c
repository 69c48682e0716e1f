#include <stdio.h>
#include <string.h>

#include "proxy/tls_why.h"
#include "record/certificate.h"

/* The i-th certificate the peer has shown, borrowed: of a client OpenSSL keeps
 * its own apart from the others. */
static X509 *
shown(const struct tls *t, unsigned i)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(t->ssl);

	if (i == 0)
		return SSL_get0_peer_certificate(t->ssl);
	if (t->context->side == SMTP_CLIENT)
		i--;
	return i < TLS_CHAIN_MAX ? sk_X509_value(chain, (int)i) : NULL;
}

static void
chain_facts(const struct tls *t, struct tls_facts *f)
{
	X509 *x;

	while (f->n_chain < TLS_CHAIN_MAX && (x = shown(t, f->n_chain)) &&
	    certificate_fingerprint(x, f->sha256[f->n_chain]))
		f->n_chain++;
	x = shown(t, 0);
	if (x)
		tls_why_name(x, f->name, sizeof(f->name));
}

/* A resumed session brings its verdict along, but not what was found. */
static struct tls_fault
found(const struct tls *t)
{
	struct tls_fault fault = t->fault;

	if (fault.error == X509_V_OK && SSL_session_reused(t->ssl)) {
		fault.error = (int)SSL_get_verify_result(t->ssl);
		fault.x = shown(t, 0);
	}
	return fault;
}

static void
verdict_facts(const struct tls *t, struct tls_facts *f)
{
	struct tls_fault fault = found(t);
	bool asked = t->context->side == SMTP_CLIENT ? t->context->asks :
	    t->context->verify != TLS_NONE;

	if (!asked) {
		f->verdict = TLS_UNASKED;
	} else if (f->n_chain == 0) {
		f->verdict = TLS_ABSENT;
	} else if (fault.error == X509_V_OK) {
		f->verdict = TLS_GOOD;
	} else {
		f->verdict = TLS_BAD;
		tls_why_fault(&fault, t->context->side == SMTP_SERVER ?
		    t->host : "", f->reason);
	}
}

static void
session_facts(const struct tls *t, struct tls_facts *f)
{
	const char *sni = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
	int group = (int)SSL_get_negotiated_group(t->ssl);
	const char *name = group ? SSL_group_to_name(t->ssl, group) : NULL;

	f->version = SSL_get_version(t->ssl);
	f->cipher = SSL_get_cipher_name(t->ssl);
	f->group = name ? name : "";
	if (sni)
		tls_why_text(f->sni, sizeof(f->sni), sni, strlen(sni));
	memcpy(f->alpn, t->alpn, sizeof(f->alpn));
	f->resumed = SSL_session_reused(t->ssl);
	f->handshake_ns = t->took_ns;
}

void
tls_facts(const struct tls *t, struct tls_facts *f)
{
	memset(f, 0, sizeof(*f));
	session_facts(t, f);
	chain_facts(t, f);
	verdict_facts(t, f);
}

size_t
tls_chain_pem(const struct tls *t, unsigned i, char out[TLS_PEM_MAX])
{
	X509 *x = shown(t, i);

	return x ? certificate_pem(x, out, TLS_PEM_MAX) : 0;
}
