/* passage: the way of a session's bytes through the gate of its policy.
 *
 * A session with the empty policy has none (NULL): its bytes are sent on as they
 * come. With one, what a side sends that the policy may change is sent on when it
 * has been understood, in as few pieces as it can be; the rest is sent on as it
 * comes here, too, and is only looked at.
 *
 * Part of conn, in the worker's thread. 8 KiB a session, and what the reader of
 * mail content needs if rules look at that. */
#ifndef PROXY_PASSAGE_H
#define PROXY_PASSAGE_H

#include "inspect/gate.h"
#include "proxy/address.h"
#include "proxy/buffer.h"

struct conn;

struct passage {
	struct gate gate;
	size_t ahead[2];	/* octets sent on before they were understood, at
				 * the front of what a held side has said */
	struct mime mime[];	/* one, if the policy reads content */
};

/* The worker's: what the events of one turn send to a side. */
struct passage_outbound {
	struct span run;	/* in received bytes, or in copied */
	bool copied_run;
	char copied[65536];
};

/* A session begins. False: out of memory. */
bool passage_open(struct conn *, const struct address *client);

/* The server has answered for the first time. */
void passage_connected(struct conn *);

/* What that side sends must not be sent on before it is understood. */
bool passage_holds(const struct conn *, enum smtp_side);

/* It does not take what is said to it: what it says, which we may answer, waits. */
bool passage_is_choked(const struct conn *, enum smtp_side);

/* The next event of that side may be pulled out of these bytes. */
bool passage_ready(struct conn *, enum smtp_side, struct span in);

/* An event: record it, and send on what becomes of it. */
void passage_event(struct conn *, enum smtp_side, const struct smtp_event *);

/* The handshake with a side that was ordered is over: why it failed, or NULL. */
void passage_secured(struct conn *, enum smtp_side, const char *why);

/* The turn is over: send. waiting: what each side has said and is not understood
 * yet; sent on, too, if it waits only to know where a message ends. */
void passage_flush(struct conn *, const struct span waiting[2]);

#endif
