/* server: plays the server of a script to a client under test.
 *
 * Each recorded reply is sent as soon as the client has said what it answers;
 * what the client says must be what was recorded (match.h). At the first line
 * that is not, or that is one too many, 503 is answered and the connection
 * closed. Only CRLF.CRLF ends mail content. Blocks until the session is over;
 * the descriptor stays the caller's. */
#ifndef REPLAY_SERVER_H
#define REPLAY_SERVER_H

#include "replay/link.h"
#include "replay/script.h"
#include "replay/security.h"
#include "replay/stage.h"

struct server_options {
	bool verbs;		/* compare nothing but verbs */
	int64_t timeout;	/* ns without a byte from the client */
	int signals;		/* net_signals(): stop when it is readable */
	struct stage stage;
	const struct security *security;	/* as in client.h */
};

/* OK: the client has followed the recording to its end. UNEXPECTED: it has
 * said something else. CLOSED: it has left before the end, or a signal came.
 * TIMEOUT. TLS: a handshake has failed. */
enum exit_status server_play(struct link *, const struct script *,
    const struct server_options *);

#endif
