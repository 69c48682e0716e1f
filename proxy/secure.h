/* secure: the handshakes of a session whose TLS ends here.
 *
 * Begun when the gate orders it, or with the connection (implicit-tls). While one
 * is under way that side is neither read nor written. What it had said in the
 * clear and is not understood yet is dropped, recorded, and told
 * (starttls-injection). No call blocks.
 *
 * Part of conn, in the worker's thread. */
#ifndef PROXY_SECURE_H
#define PROXY_SECURE_H

#include "proxy/conn.h"

#define SECURE_TURN_NS	INT64_C(5000000)	/* for handshakes, in one turn of the loop */
#define SECURE_NS INT64_C(30000000000)	/* patience with one handshake */

/* Begin TLS with that side, as its listener says. */
void secure_begin(struct conn *, enum smtp_side, int64_t now);

/* Go on; when the socket of a side that shakes hands is ready. */
void secure_continue(struct conn *, enum smtp_side, int64_t now);

/* It has taken too long. */
void secure_time_out(struct conn *, enum smtp_side, int64_t now);

/* A handshake is under way with that side. */
bool secure_pending(const struct conn *, enum smtp_side *);

#endif
