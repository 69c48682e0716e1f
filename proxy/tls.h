/* tls: one TLS connection that ends here, on a non-blocking socket.
 *
 * The socket stays the caller's: it is watched, shut and closed by them, and
 * outlives this. No call blocks. A connection is used by one thread at a time;
 * SIGPIPE is ignored.
 *
 * First tls_handshake() until TLS_DONE, each time the socket is ready for what
 * it wants, then tls_recv() and tls_send() as if they were recv() and send(),
 * with these differences:
 *
 *  - What is here already is not announced by the socket: after TLS_DONE, and
 *    while tls_pending(), call tls_recv() without waiting.
 *  - A call that fails with EAGAIN waits, rarely, for the other direction of the
 *    socket: tls_recv_wants_write(), tls_send_wants_read().
 *  - The octets tls_send() did not take are promised: the next call begins with
 *    the same ones (perhaps elsewhere in memory), and has no fewer of them.
 *
 * The peer's octets are only ever data: renegotiation is refused. */
#ifndef PROXY_TLS_H
#define PROXY_TLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proxy/tls_context.h"

#define TLS_CHAIN_MAX	8	/* certificates of a chain that are told */
#define TLS_PEM_MAX	16384	/* octets of one, NUL included */
#define TLS_HOST_MAX	256	/* octets of a name, NUL included */

enum tls_step { TLS_DONE, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_FAILED };

struct tls;

/* TLS with a client, in a context for SMTP_CLIENT. NULL: out of memory. */
struct tls *tls_accept(struct tls_context *, int fd);

/* TLS with the mail server of that name or address, in a context for
 * SMTP_SERVER: the name asked for (SNI), looked for in its certificate, and
 * under which sessions are resumed. Borrowed during the call. NULL: out of
 * memory. */
struct tls *tls_connect(struct tls_context *, int fd, const char *host);

/* Before the handshake with a client: whose certificate to mint if it asks for no
 * name. */
void tls_set_name(struct tls *, const char *name);

/* A step of the handshake. After TLS_FAILED nothing can be sent or received any
 * more (EPROTO); an alert has gone, if the socket took it. */
enum tls_step tls_handshake(struct tls *);

/* The caller's timer has ended the handshake: it has failed. */
void tls_time_out(struct tls *);

/* 0: the peer has ended its stream, with close_notify or without it (see
 * tls_cut()). -1: errno; EAGAIN, the socket's error, or EPROTO and tls_why(). */
ssize_t tls_recv(struct tls *, char *, size_t);

/* How many octets were taken, from 1 on; -1 as above. n is not 0. */
ssize_t tls_send(struct tls *, const char *, size_t n);

bool tls_recv_wants_write(const struct tls *);
bool tls_send_wants_read(const struct tls *);

/* There may be octets here that the socket will not announce. */
bool tls_pending(const struct tls *);

/* The peer's stream ended without close_notify. */
bool tls_cut(const struct tls *);

/* End our stream: close_notify, if the socket takes it; what was to be sent must
 * have gone. The peer's stream goes on. */
void tls_end(struct tls *);

void tls_free(struct tls *);	/* NULL: nothing */

/* Why it failed, one sentence without a full stop: "the certificate is for
 * a.example, not b.example". "": it has not. */
const char *tls_why(const struct tls *);

enum tls_verdict {
	TLS_UNASKED,		/* no certificate was asked for or looked at */
	TLS_ABSENT,		/* the peer has shown none */
	TLS_GOOD,
	TLS_BAD,
};

/* What is known when the handshake is done. Texts from the peer are bounded,
 * printable ASCII, other octets as '?'. */
struct tls_facts {
	const char *version;		/* "TLSv1.3"; static */
	const char *cipher;		/* "TLS_AES_256_GCM_SHA384"; static */
	const char *group;		/* "x25519"; "": unknown; static */
	char sni[TLS_HOST_MAX];		/* asked for; "": none */
	char alpn[TLS_HOST_MAX];	/* a client's offer, "h2,http/1.1" */
	bool resumed;
	int64_t handshake_ns;		/* since the first step */
	enum tls_verdict verdict;	/* on the peer's certificate */
	char reason[TLS_ERROR];		/* of TLS_BAD; else "" */
	char name[TLS_HOST_MAX];	/* first name in its certificate, or "" */
	unsigned n_chain;		/* the first is the peer's own */
	unsigned char sha256[TLS_CHAIN_MAX][32];	/* of each, in DER */
};

void tls_facts(const struct tls *, struct tls_facts *);

/* The i-th certificate of that chain as PEM. Its length; 0: there is none, it is
 * too long, or memory is out. */
size_t tls_chain_pem(const struct tls *, unsigned i, char out[TLS_PEM_MAX]);

#endif
