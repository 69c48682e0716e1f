/* client: plays the client of a script to a server, in lock step.
 *
 * A segment goes out as soon as as many replies have come as had come before
 * it in the recording, so that what was pipelined is pipelined again and what
 * waited waits. Replies are compared by position.
 *
 * Stops early where to go on would not be safe (guard.h); then says QUIT, if
 * the server reads commands.
 *
 * Blocks until the session is over; the descriptor stays the caller's. */
#ifndef REPLAY_CLIENT_H
#define REPLAY_CLIENT_H

#include "replay/compare.h"
#include "replay/link.h"
#include "replay/script.h"
#include "replay/security.h"
#include "replay/stage.h"
#include "replay/verdict.h"

struct client_options {
	enum compare_level compare;
	bool stop;		/* at the first reply that differs */
	bool recorded_timing;	/* wait as the client did */
	int64_t timeout;	/* ns without any progress */
	struct stage stage;
	const struct security *security;	/* has a context if it is needed: see
						 * security_needed() */
	const char *host;	/* the server's name, for TLS */
};

/* link is connected, in the clear, and not used for anything else. The verdict's status is OK,
 * DIVERGED, TIMEOUT, CLOSED, TLS (or USAGE: no memory); free it with
 * verdict_fini(). */
void client_play(struct link *, const struct script *,
    const struct client_options *, struct verdict *);

#endif
