/* duel: a client and a server that speak through the gate, each in its own way,
 * to see that they never fall out of step.
 *
 * The client pipelines what it may, waits where it must, and numbers its
 * commands; the server answers what it has received, in order, with the number
 * in its reply. What each of them may count on is checked: a reply to each
 * command, in order, the server's own or one of ours; bytes tiled by steps; and
 * the same bytes out however those that come in are cut. Between turns either may
 * say anything at all: from there replies are not counted any more. */
#ifndef FUZZ_DUEL_H
#define FUZZ_DUEL_H

#include "inspect/gate.h"

#define DUEL_OUT_MAX 8192	/* octets to one side; then the duel is over */

/* What the input says, octet by octet; 0 when it is used up. */
struct duel_input {
	const uint8_t *p;
	size_t n;
};
unsigned duel_octet(struct duel_input *);

struct duel_outcome {
	char out[2][DUEL_OUT_MAX];	/* received by each side */
	size_t n[2];
	bool ended;			/* by a rule: of content, it has sent on
					 * as much as had come before */
	bool doubted;			/* octets were sent on that nobody could
					 * tell yet what they are, or there was
					 * no room: cuts may count */
	const char *finding;		/* NULL: all promises kept */
};

/* A policy out of the input; it borrows static memory. */
void duel_policy(struct duel_input *, struct policy *);

/* Play the rest of the input, in pieces of at most that many octets (0: whole). */
void duel_play(struct duel_input, const struct policy *, size_t piece,
    struct duel_outcome *);

#endif
