/* handshakes: how the engine is helped through the TLS of a recorded session.
 *
 * Where TLS ended at smtptap, the session starts over (RFC 3207 4.2) when the
 * last side that was to be is in TLS; which that is, the wire tells beforehand.
 * Part of walk. */
#ifndef REPLAY_HANDSHAKES_H
#define REPLAY_HANDSHAKES_H

#include "record/store.h"

struct handshakes {
	size_t last;		/* segment by which the last side came to TLS */
	size_t asks;		/* commands of our own that are still to come */
	bool asking;		/* one has been said */
	size_t left;		/* of segments by which a side comes to TLS */
	bool starttls;		/* STARTTLS has been said, by whomever, and was not
				 * refused */
};

void handshakes_open(struct handshakes *, const struct store_wire *);

/* A command of the client's was read. */
void handshakes_command(struct handshakes *, enum smtp_verb);

/* smtptap itself gave the server a command. last: of the segment. */
void handshakes_ask(struct handshakes *, struct smtp_session *,
    struct span line, bool last);

/* A reply to STARTTLS, the server's or our own (454: no TLS, RFC 3207 4). */
void handshakes_reply(struct handshakes *, int code);

/* The client was not read: it still waits for its EHLO to be answered while
 * smtptap comes to TLS with the server, or has said STARTTLS. */
bool handshakes_hold_client(const struct handshakes *,
    const struct smtp_session *);

/* A side came to TLS with this segment. True: the session has started over. */
bool handshakes_done(struct handshakes *, struct smtp_session *,
    size_t segment);

/* What a server takes a line for that stands alone. */
enum smtp_verb handshakes_verb(struct span line);

#endif
