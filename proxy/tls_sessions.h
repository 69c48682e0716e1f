/* tls_sessions: sessions to resume with mail servers, by the server's name.
 *
 * A bounded ring: the newest are kept. Any thread. */
#ifndef PROXY_TLS_SESSIONS_H
#define PROXY_TLS_SESSIONS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#define TLS_SESSIONS_MAX 32

struct tls_sessions;

struct tls_sessions *tls_sessions_new(void);	/* NULL: out of memory */
void tls_sessions_free(struct tls_sessions *);	/* NULL: nothing */

/* Keep a session; it is the ring's from here. False: it stays the caller's. */
bool tls_sessions_put(struct tls_sessions *, const char *host, SSL_SESSION *);

/* The newest for that name, from here the caller's. One of TLS 1.3 is taken out:
 * a ticket is for one connection (RFC 8446 C.4). NULL: there is none. */
SSL_SESSION *tls_sessions_take(struct tls_sessions *, const char *host);

#endif
