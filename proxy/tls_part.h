/* tls_part: the insides of a TLS connection and its context, for tls*.c only. */
#ifndef PROXY_TLS_PART_H
#define PROXY_TLS_PART_H

#include <openssl/ssl.h>

#include "proxy/mint.h"
#include "proxy/tls.h"
#include "proxy/tls_sessions.h"

struct tls_context {
	SSL_CTX *ctx;
	enum smtp_side side;
	enum tls_verify verify;		/* the mail server */
	bool asks;			/* clients for a certificate */
	struct mint *mint;		/* NULL: one certificate for all */
	struct tls_sessions *sessions;	/* with the mail server */
	int keylog;			/* of tls_context_log_keys() */
};

/* What OpenSSL has found wrong with a certificate; the first such thing. */
struct tls_fault {
	int error;			/* X509_V_...; X509_V_OK: nothing */
	int depth;			/* 0: the peer's own */
	X509 *x;			/* a reference of ours; NULL: unknown */
};

struct tls {
	SSL *ssl;			/* its app data is this */
	struct tls_context *context;
	int64_t began_ns, took_ns;	/* the handshake; began 0: not yet */
	struct tls_fault fault;
	char host[TLS_HOST_MAX];	/* the server's; or see tls_set_name() */
	char alpn[TLS_HOST_MAX];
	char why[TLS_ERROR];
	size_t promised;		/* octets of the next tls_send(), or 0 */
	int error;			/* errno of the last call that failed */
	bool done, failed;
	bool recv_wants_write, send_wants_read;
	bool pending, ended, cut;
};

#endif
