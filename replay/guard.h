/* guard: whether it is safe to go on with a replay.
 *
 * A server that answers otherwise than the recorded one may read the bytes that
 * come next as something else than they are: mail content as commands, or the
 * reverse. Told of every reply, asked before every step; pure. */
#ifndef REPLAY_GUARD_H
#define REPLAY_GUARD_H

#include "replay/compare.h"
#include "replay/script.h"

/* What the server takes the client's next bytes for. */
enum guard_expects { GUARD_COMMANDS, GUARD_MORE, GUARD_TLS };

/* Zero-initialised at first. */
struct guard {
	enum guard_expects expects;
	unsigned was_accepted, accepted;	/* recipients, recorded and now */
	bool was_chunking, chunking;	/* CHUNKING is offered, the same */
};

/* A reply has come in the place of a recorded one. NULL, or why to stop:
 *	- it asks for more (3yz) where the recorded one did not, or the reverse;
 *	- STARTTLS, which had been refused, is accepted, or the reverse. */
const char *guard_reply(struct guard *, const struct script_reply *was,
    const struct compare_reply *is);

/* The step is about to be sent, its first tile has that number. NULL, or why
 * not:
 *	- it holds DATA or BDAT, and all recipients have been refused where one
 *	  had been accepted;
 *	- it holds BDAT, and CHUNKING is not offered where it had been. */
const char *guard_step(const struct guard *, const struct script *,
    size_t tile, const struct script_step *);

#endif
