#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "proxy/clock.h"
#include "proxy/log.h"
#include "proxy/tls_files.h"
#include "proxy/tls_why.h"

#define CLIENT_SESSIONS	1024	/* kept for clients that take no tickets */
#define CHAIN_DEPTH	10	/* certificates to be followed to a root */

static struct tls *
connection(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/* The first fault is the one that is told; only `require` ends there. */
static int
on_verify(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = connection(ssl);
	X509 *x = X509_STORE_CTX_get_current_cert(store);

	if (good)
		return 1;
	if (t->fault.error == X509_V_OK) {
		t->fault.error = X509_STORE_CTX_get_error(store);
		t->fault.depth = X509_STORE_CTX_get_error_depth(store);
		if (x && X509_up_ref(x) == 1)
			t->fault.x = x;
	}
	return t->context->side == SMTP_CLIENT ||
	    t->context->verify != TLS_REQUIRE;
}

static int
on_unverified(X509_STORE_CTX *store, void *arg)
{
	(void)store, (void)arg;
	return 1;
}

/* Acknowledge the client's SNI; which certificate it gets is on_certificate()'s. */
static int
on_sni(SSL *ssl, int *alert, void *arg)
{
	(void)ssl, (void)alert, (void)arg;
	return SSL_TLSEXT_ERR_OK;
}

/* Told, not taken: SMTP has no protocol name. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *offer, unsigned offered, void *arg)
{
	struct tls *t = connection(ssl);
	size_t at = 0;

	(void)out, (void)n, (void)arg;
	for (unsigned i = 0; i < offered && at + 1 < sizeof(t->alpn);
	    i += 1u + offer[i]) {
		if (at > 0)
			t->alpn[at++] = ',';
		tls_why_text(t->alpn + at, sizeof(t->alpn) - at,
		    offer + i + 1, offer[i]);
		at += strlen(t->alpn + at);
	}
	return SSL_TLSEXT_ERR_NOACK;
}

/* A certificate for the name asked for, or for the mail server's. */
static int
on_certificate(SSL *ssl, void *arg)
{
	struct mint *mint = arg;
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	time_t now = (time_t)(clock_wall_ns() / 1000000000);
	X509 *x = NULL;
	int used;

	if (sni)
		x = mint_leaf(mint, sni, now);
	if (x == NULL)
		x = mint_leaf(mint, connection(ssl)->host, now);
	if (x == NULL)
		return 0;
	used = SSL_use_cert_and_key(ssl, x, mint_key(mint), NULL, 1);
	X509_free(x);
	return used;
}

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls *t = connection(ssl);

	return tls_sessions_put(t->context->sessions, t->host, session);
}

/* A line is one write(): they do not mix. What cannot be written is lost. */
static void
on_secret(const SSL *ssl, const char *secret)
{
	const struct tls_context *c = connection(ssl)->context;
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s\n", secret);

	if (n > 0 && (size_t)n < sizeof(line) &&
	    write(c->keylog, line, (size_t)n) != n)
		log_sentence(LOG_VERBOSE, "tls-keylog: %s", strerror(errno));
	OPENSSL_cleanse(line, sizeof(line));
}

static bool
set_up(SSL_CTX *ctx, const struct tls_options *o)
{
	unsigned char id[EVP_MAX_MD_SIZE];
	unsigned n;

	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
	    SSL_OP_ENABLE_KTLS);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	/* two listeners do not take each other's sessions */
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    EVP_Digest(o->listener, strlen(o->listener), id, &n, EVP_sha256(),
		NULL) == 1 &&
	    SSL_CTX_set_session_id_context(ctx, id, n) == 1;
}

static bool
set_up_for_clients(struct tls_context *c, const struct tls_options *o,
    char error[TLS_ERROR])
{
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_SERVER);
	SSL_CTX_sess_set_cache_size(c->ctx, CLIENT_SESSIONS);
	(void)SSL_CTX_set_num_tickets(c->ctx, 1);
	SSL_CTX_set_tlsext_servername_callback(c->ctx, on_sni);
	SSL_CTX_set_alpn_select_cb(c->ctx, on_alpn, NULL);
	if (o->cert)
		return tls_files_pair(c->ctx, o->cert, o->key, error);
	c->mint = tls_files_mint(c->ctx, o->ca_cert, o->ca_key, error);
	if (c->mint)
		SSL_CTX_set_cert_cb(c->ctx, on_certificate, c->mint);
	return c->mint != NULL;
}

static bool
ask_clients(struct tls_context *c, const char *path, char error[TLS_ERROR])
{
	c->asks = true;
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, on_verify);
	return tls_files_ask(c->ctx, path, error);
}

static bool
set_up_for_servers(struct tls_context *c, const struct tls_options *o,
    char error[TLS_ERROR])
{
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c->ctx, on_session);
	c->sessions = tls_sessions_new();
	if (c->sessions == NULL)
		return false;
	c->verify = o->verify;
	if (o->verify == TLS_NONE) {
		SSL_CTX_set_cert_verify_callback(c->ctx, on_unverified, NULL);
	} else {
		SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, on_verify);
		if (!tls_files_trust(c->ctx, o->ca_file, error) ||
		    (o->crl && !tls_files_crl(c->ctx, o->crl, error)))
			return false;
	}
	return !o->client_cert ||
	    tls_files_pair(c->ctx, o->client_cert, o->client_key, error);
}

struct tls_context *
tls_context_new(enum smtp_side side, const struct tls_options *o,
    char error[TLS_ERROR])
{
	struct tls_context *c = calloc(1, sizeof(*c));
	bool whole;

	(void)snprintf(error, TLS_ERROR, "TLS: out of memory");
	if (c == NULL)
		return NULL;
	c->side = side;
	c->ctx = SSL_CTX_new(side == SMTP_CLIENT ? TLS_server_method() :
	    TLS_client_method());
	whole = c->ctx && set_up(c->ctx, o) && (side == SMTP_CLIENT ?
	    set_up_for_clients(c, o, error) :
	    set_up_for_servers(c, o, error));
	if (whole && side == SMTP_CLIENT && o->client_ca)
		whole = ask_clients(c, o->client_ca, error);
	ERR_clear_error();
	if (whole)
		return c;
	tls_context_free(c);
	return NULL;
}

void
tls_context_log_keys(struct tls_context *c, int fd)
{
	c->keylog = fd;
	SSL_CTX_set_keylog_callback(c->ctx, on_secret);
}

void
tls_context_free(struct tls_context *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ctx);
	mint_free(c->mint);
	tls_sessions_free(c->sessions);
	free(c);
}
