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
	bool starttls;		/* STARTTLS has been said, by whomever */
};

void handshakes_open(struct handshakes *, const struct store_wire *);

/* A command of the client's was read. */
void handshakes_command(struct handshakes *, enum smtp_verb);

/* smtptap itself gave the server a command. last: of the segment. */
void handshakes_ask(struct handshakes *, struct smtp_session *,
    struct span line, bool last);

/* The client, which still waits for its EHLO to be answered while smtptap comes
 * to TLS with the server, was not read. */
bool handshakes_hold_client(const struct handshakes *,
    const struct smtp_session *);

/* A side came to TLS with this segment. True: the session has started over. */
bool handshakes_done(struct handshakes *, struct smtp_session *,
    size_t segment);

/* What a server takes a line for that stands alone. */
enum smtp_verb handshakes_verb(struct span line);

#endif
