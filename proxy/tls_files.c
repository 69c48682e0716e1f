#include "proxy/tls_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "record/certificate.h"

/* Where distributions keep their bundle; the first is Debian's. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

/* A certificate, those behind it in its file, and its key. */
struct pair {
	X509 *chain[CERTIFICATE_CHAIN];
	unsigned n;
	EVP_PKEY *key;
};

static bool
complain(char error[TLS_ERROR], const char *path, const char *reason)
{
	(void)snprintf(error, TLS_ERROR, "%s: %s", path, reason);
	return false;
}

/* With the reason OpenSSL gives. */
static bool
complain_openssl(char error[TLS_ERROR], const char *path)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	return complain(error, path, reason ? reason : "out of memory");
}

static void
free_pair(struct pair *p)
{
	while (p->n > 0)
		X509_free(p->chain[--p->n]);
	EVP_PKEY_free(p->key);
}

/* To be freed whatever it says. */
static bool
read_pair(struct pair *p, const char *cert, const char *key,
    char error[TLS_ERROR])
{
	p->key = NULL;
	p->n = certificate_read(cert, p->chain, error);
	if (p->n > 0)
		p->key = certificate_read_key(key, error);
	if (p->key == NULL)
		return false;
	if (X509_check_private_key(p->chain[0], p->key) == 1)
		return true;
	(void)snprintf(error, TLS_ERROR,
	    "%s is not the key of the certificate in %s", key, cert);
	return false;
}

static bool
use_pair(SSL_CTX *ctx, const struct pair *p)
{
	if (SSL_CTX_use_certificate(ctx, p->chain[0]) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, p->key) != 1)
		return false;
	for (unsigned i = 1; i < p->n; i++)
		if (SSL_CTX_add1_chain_cert(ctx, p->chain[i]) != 1)
			return false;
	return true;
}

bool
tls_files_pair(SSL_CTX *ctx, const char *cert, const char *key,
    char error[TLS_ERROR])
{
	struct pair p;
	bool used = false;

	if (read_pair(&p, cert, key, error))
		used = use_pair(ctx, &p) || complain_openssl(error, cert);
	free_pair(&p);
	return used;
}

static bool
show_chain(SSL_CTX *ctx, const struct pair *p)
{
	if (X509_self_signed(p->chain[0], 0) == 1)
		return true;
	for (unsigned i = 0; i < p->n; i++) {
		if (X509_up_ref(p->chain[i]) != 1)
			return false;
		if (SSL_CTX_add_extra_chain_cert(ctx, p->chain[i]) != 1) {
			X509_free(p->chain[i]);
			return false;
		}
	}
	return true;
}

struct mint *
tls_files_mint(SSL_CTX *ctx, const char *ca_cert, const char *ca_key,
    char error[TLS_ERROR])
{
	struct mint *mint = NULL;
	struct pair p;

	if (!read_pair(&p, ca_cert, ca_key, error))
		;	/* it has been said why */
	else if (X509_check_ca(p.chain[0]) != 1)
		(void)complain(error, ca_cert, "is not that of a CA");
	else if (!show_chain(ctx, &p) ||
	    (mint = mint_new(p.chain[0], p.key)) == NULL)
		(void)complain(error, ca_cert, "out of memory");
	free_pair(&p);
	return mint;
}

/* Readable and PEM, said better than OpenSSL does. */
static bool
is_bundle(const char *path, char error[TLS_ERROR])
{
	struct pair p = { .key = NULL };
	bool some;

	p.n = certificate_read(path, p.chain, error);
	some = p.n > 0;
	free_pair(&p);
	return some;
}

static const char *
system_bundle(void)
{
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return NULL;
}

bool
tls_files_trust(SSL_CTX *ctx, const char *path, char error[TLS_ERROR])
{
	if (path == NULL)
		path = system_bundle();
	if (path == NULL)
		return complain(error, bundles[0], "is not there, nor another "
		    "bundle of CAs; tls-ca-file can name one");
	return is_bundle(path, error) &&
	    (SSL_CTX_load_verify_file(ctx, path) == 1 ||
		complain_openssl(error, path));
}

bool
tls_files_ask(SSL_CTX *ctx, const char *path, char error[TLS_ERROR])
{
	STACK_OF(X509_NAME) *names;

	if (!tls_files_trust(ctx, path, error))
		return false;
	names = SSL_load_client_CA_file(path);
	if (names == NULL)
		return complain_openssl(error, path);
	SSL_CTX_set_client_CA_list(ctx, names);
	return true;
}

bool
tls_files_crl(SSL_CTX *ctx, const char *path, char error[TLS_ERROR])
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

	if (access(path, R_OK) != 0)
		return complain(error, path, strerror(errno));
	if (lookup == NULL ||
	    X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) < 1)
		return complain(error, path, "holds no CRL in PEM");
	return X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1;
}
