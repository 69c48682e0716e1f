/* handshakes: how the engine is helped through the TLS of a recorded session.
 *
 * Where TLS ended at smtptap, the session starts over (RFC 3207 4.2) when the
 * last side that was to be is in TLS; which that is, the wire tells beforehand.
 * Meanwhile the client was not read: it still waited for its EHLO to be answered,
 * or had said STARTTLS. Part of walk. */
#ifndef REPLAY_HANDSHAKES_H
#define REPLAY_HANDSHAKES_H

#include "record/store.h"

struct handshakes {
	const struct store_wire *wire;
	size_t last;		/* segment by which the last side came to TLS */
	size_t left;		/* of segments by which one does */
	size_t asks;		/* commands of our own that are still to come */
	bool originates;	/* the first of them is STARTTLS */
	bool asking;		/* the client waits for what comes of them */
	bool starttls;		/* STARTTLS has been said, by whomever, and was not
				 * refused */
};

void handshakes_open(struct handshakes *, const struct store_wire *);

/* A command of the client's was read. */
void handshakes_command(struct handshakes *, enum smtp_verb);

/* The server has replied, or we have to STARTTLS (454: no TLS, RFC 3207 4).
 * segment: of the wire, the next. */
void handshakes_reply(struct handshakes *, struct smtp_session *,
    const struct smtp_event *, bool withheld, size_t segment);
void handshakes_declined(struct handshakes *);

/* smtptap itself gave the server a command. last: of the segment. */
void handshakes_ask(struct handshakes *, struct smtp_session *,
    struct span line, bool last);

/* The client was not read. */
bool handshakes_hold_client(const struct handshakes *,
    const struct smtp_session *);

/* A side came to TLS with this segment. True: the session has started over. */
bool handshakes_done(struct handshakes *, struct smtp_session *,
    size_t segment);

/* What a server takes a line for that stands alone. */
enum smtp_verb handshakes_verb(struct span line);

#endif
