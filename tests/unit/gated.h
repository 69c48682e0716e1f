/* gated: a session through engine and gate, without sockets.
 *
 * The loop of the proxy: what a side says is forwarded at once, or, where the
 * policy may change it, by what the gate decides. Checked on the way, for every
 * input: a decision tiles the bytes it is on (what is passed and what is withheld
 * are those bytes), and nothing is changed that is gone already.
 *
 * Each side has an observer beside it: an engine that sees what that side sends
 * and what arrives there. If we kept in step, neither wonders more than a
 * session without us would have made it.
 *
 * TLS is bytes that are not changed on their way: a handshake that the gate orders
 * is under way until gated_secured() says how it ended; what its side had said in
 * the clear, and nobody has read, is gone. */
#ifndef TESTS_UNIT_GATED_H
#define TESTS_UNIT_GATED_H

#include "inspect/gate.h"

struct gated_text {
	char *p;
	size_t n, room;
};

struct gated_observer {
	struct smtp_session smtp;
	struct gated_text unread[2];
	uint64_t odd[2];		/* anomalies of each side's bytes */
	unsigned answered;		/* commands that have all their replies */
};

struct gated {
	struct smtp_session smtp;
	struct gate gate;
	struct mime mime;
	struct gated_text unread[2];	/* has come, is not decided on */
	size_t ahead[2];		/* octets of that, at the front, which
					 * have arrived all the same */
	bool ended[2];
	struct gated_text at[2];	/* has arrived at that side */
	struct gated_text told;		/* "RULE: DETAIL", or "RULE (not done):
					 * DETAIL"; one a line */
	struct gated_observer beside[2];
	uint64_t odd;			/* anomalies of all events */
	bool left;			/* the server's side has been closed */
	bool closed, reset;		/* both have */
	const char *end_rule;		/* why; NULL: nobody knows */
	unsigned own;			/* replies of ours */
	unsigned rejoined;		/* connections to the server after the
					 * first */
	unsigned asked;			/* commands of ours */
	bool securing[2];		/* a handshake is under way there */
	bool secured[2];		/* that side is in TLS */
	size_t dropped[2];		/* octets of that side, said before */
	int64_t now_us;			/* the caller's to move */
	const char *wrong;		/* the first that does not hold; NULL */
};

/* policy: sealed; borrowed until gated_close(). The client is 192.0.2.7. */
void gated_open(struct gated *, const struct policy *);

/* That side has sent this, or has ended its stream. */
void gated_say(struct gated *, enum smtp_side, struct span bytes);
void gated_end(struct gated *, enum smtp_side);

/* The handshake with that side is over: why it failed, or NULL. */
void gated_secured(struct gated *, enum smtp_side, const char *why);

/* What has arrived at a side. */
struct span gated_at(const struct gated *, enum smtp_side);

void gated_close(struct gated *);

#endif
