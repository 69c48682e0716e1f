/* tlspair: a TLS client and server of ours on a socket pair, in one thread. */
#ifndef TESTS_TLSPAIR_H
#define TESTS_TLSPAIR_H

#include "proxy/tls_part.h"
#include "tests/unit/pki.h"

#define TLSPAIR_HOST "mx.example"

struct tlspair {
	struct pki pki;
	struct tls_context *of_server, *of_client;
	struct tls *server, *client;
	int fd[2];		/* theirs; -1: closed */
	char error[TLS_ERROR];
};

void tlspair_open(struct tlspair *);
void tlspair_close(struct tlspair *);

/* The contexts: options; listener is "test" if it is NULL. */
void tlspair_serve(struct tlspair *, struct tls_options);
void tlspair_ask(struct tlspair *, struct tls_options);

/* Serve minted leaves, and ask trusting the CA. */
void tlspair_usual(struct tlspair *);

/* Serve the certificate of that file, with the key of all. */
void tlspair_serve_file(struct tlspair *, const char *file);

/* Only this version on both sides. */
void tlspair_version(struct tlspair *, int version);

/* A connection, after the one before; then the handshake, by turns, until both
 * are done or one has failed. shake() is both, and the client has seen what
 * follows the handshake. */
void tlspair_connect(struct tlspair *, const char *host);
bool tlspair_handshake(struct tlspair *);
bool tlspair_shake(struct tlspair *, const char *host);

/* Both are sure to be connected: otherwise the test fails. */
void tlspair_talk(struct tlspair *);

#endif
