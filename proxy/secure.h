/* secure: the handshakes of a session whose TLS ends here.
 *
 * Begun when the gate orders it, or with the connection (implicit-tls). While one
 * is under way nothing is read of either side; what a side had said in the clear
 * and is not understood yet is dropped, recorded, and told (starttls-injection).
 * No call blocks.
 *
 * Part of conn, in the worker's thread. */
#ifndef PROXY_SECURE_H
#define PROXY_SECURE_H

#include "proxy/conn.h"

#define SECURE_NS INT64_C(30000000000)	/* patience with one handshake */

/* Begin TLS with that side. */
void secure_begin(struct conn *, enum smtp_side, int64_t now);

/* Its socket is ready. */
void secure_continue(struct conn *, enum smtp_side, int64_t now);

/* It has taken too long, or the other side is gone. */
void secure_fail(struct conn *, enum smtp_side, const char *why, int64_t now);

/* The side whose handshake is under way; false: none is. */
bool secure_pending(const struct conn *, enum smtp_side *);

#endif
