/* tls_context: what the TLS connections of a listener's side have in common.
 *
 * Made once from the options by main, with every file read, and then only used:
 * by all threads, and it outlives their connections. TLS 1.2 and 1.3, no
 * renegotiation, no compression. Resumption works within one context: tickets
 * are under keys of its own, and a session is bound to the listener's name. */
#ifndef PROXY_TLS_CONTEXT_H
#define PROXY_TLS_CONTEXT_H

#include <stdbool.h>

#include "inspect/smtp.h"

#define TLS_ERROR	768	/* octets of a sentence, NUL included */

/* Of the mail server's certificate, its chain, time and name. */
enum tls_verify {
	TLS_REQUIRE,		/* a connection without a good one fails */
	TLS_OPPORTUNISTIC,	/* looked at and told, whatever it says */
	TLS_NONE,		/* not looked at */
};

/* As configured; NULL is "not given". Files are PEM. */
struct tls_options {
	const char *listener;		/* its name */
	/* SMTP_CLIENT: we are the TLS server */
	const char *cert, *key;		/* with its chain; both or none */
	const char *ca_cert, *ca_key;	/* mints leaves; both or none */
	const char *client_ca;		/* ask clients for a certificate */
	/* SMTP_SERVER: we are the TLS client */
	enum tls_verify verify;
	const char *ca_file;		/* NULL: the system's bundle */
	const char *crl;		/* of the issuer of every certificate */
	const char *client_cert, *client_key;	/* both or none */
};

struct tls_context;

/* For connections to clients or to mail servers. NULL: a sentence that names the
 * option's file and the reason. */
struct tls_context *tls_context_new(enum smtp_side,
    const struct tls_options *, char error[TLS_ERROR]);
void tls_context_free(struct tls_context *);	/* NULL: nothing */

/* Before the first connection: append the secrets of each to this file, in the
 * format of SSLKEYLOGFILE. The descriptor is borrowed. */
void tls_context_log_keys(struct tls_context *, int fd);

#endif
