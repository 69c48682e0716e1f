#include "replay/security.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "record/certificate.h"
#include "replay/print.h"

#define DAYS 86400	/* s */

static bool
failed(const char *what, char error[NET_ERROR_MAX])
{
	const char *why = ERR_reason_error_string(ERR_peek_error());

	snprintf(error, NET_ERROR_MAX, "%s: %s", what, why ? why :
	    "it cannot be used");
	return false;
}

int
security_choose(const struct args *args, enum security_when when,
    struct security *security)
{
	if (security->when != SECURITY_RECORDED && security->when != when)
		return complain_usage(args->verb,
		    "--starttls, --tls and --no-tls exclude each other");
	security->when = when;
	return EXIT_OK;
}

bool
security_needed(const struct security *s, enum script_tls recorded)
{
	return s->when == SECURITY_RECORDED ? recorded != SCRIPT_CLEAR :
	    s->when != SECURITY_NONE;
}

static bool
begin(struct security *s, const SSL_METHOD *method, char error[NET_ERROR_MAX])
{
	/* OpenSSL writes to sockets as to files. */
	(void)signal(SIGPIPE, SIG_IGN);
	ERR_clear_error();
	s->context = SSL_CTX_new(method);
	if (s->context == NULL)
		return failed("TLS", error);
	/* What is sent again after a wait may lie elsewhere by then. */
	(void)SSL_CTX_set_mode(s->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* A peer that closes without close_notify has closed. */
	(void)SSL_CTX_set_options(s->context, SSL_OP_IGNORE_UNEXPECTED_EOF |
	    SSL_OP_NO_RENEGOTIATION);
	return true;
}

/* Looks at the certificate and remembers why it is not good, but goes on. */
static int
go_on(int good, X509_STORE_CTX *store)
{
	(void)good;
	(void)store;
	return 1;
}

bool
security_client(struct security *s, char error[NET_ERROR_MAX])
{
	if (!begin(s, TLS_client_method(), error))
		return false;
	SSL_CTX_set_verify(s->context, SSL_VERIFY_PEER,
	    s->verify ? NULL : go_on);
	if (s->ca_file == NULL)
		return SSL_CTX_set_default_verify_paths(s->context) == 1 ||
		    failed("the system's certificates", error);
	return SSL_CTX_load_verify_file(s->context, s->ca_file) == 1 ||
	    failed(s->ca_file, error);
}

/* A certificate that nobody trusts; as good as any for a test. */
static bool
make_certificate(struct security *s)
{
	time_t now = time(NULL);
	struct certificate_term term = { now - DAYS, now + 30 * DAYS };
	EVP_PKEY *key = certificate_key(), *ca_key = certificate_key();
	X509 *ca = ca_key ? certificate_ca("smtptap serve", ca_key, term) :
	    NULL;
	X509 *leaf = key && ca ? certificate_leaf("localhost", key, ca, ca_key,
	    term) : NULL;
	bool ok = leaf && SSL_CTX_use_certificate(s->context, leaf) == 1 &&
	    SSL_CTX_use_PrivateKey(s->context, key) == 1;

	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	return ok;
}

bool
security_server(struct security *s, char error[NET_ERROR_MAX])
{
	if (!begin(s, TLS_server_method(), error))
		return false;
	if (s->cert == NULL)
		return make_certificate(s) || failed("a certificate", error);
	if (SSL_CTX_use_certificate_chain_file(s->context, s->cert) != 1)
		return failed(s->cert, error);
	return SSL_CTX_use_PrivateKey_file(s->context, s->key,
	    SSL_FILETYPE_PEM) == 1 || failed(s->key, error);
}

void
security_fini(struct security *s)
{
	SSL_CTX_free(s->context);
	s->context = NULL;
}
