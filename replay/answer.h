/* answer: what a server that accepts everything says (the sink's side of the
 * dialogue). No I/O: events of the inspect engine in, replies out.
 *
 * For every event of the client call answer_event(); send what it gives and
 * offer the same bytes to the engine as the server's; call answer_fact() for
 * the events that come of it. So the state is what the engine says it is, and
 * a refusal of any verb is followed like any other server's.
 *
 * Accepts: any sender, recipient and content, MAIL without EHLO, PLAIN and
 * LOGIN with any credentials. Refuses what is out of order (503), known but
 * not offered (502), unknown (500), and what refusals say. */
#ifndef REPLAY_ANSWER_H
#define REPLAY_ANSWER_H

#include "inspect/smtp.h"

#define ANSWER_MAX 1024		/* octets of one reply, CRLFs included */
#define ANSWER_REFUSAL_MAX 512	/* octets of a refusal's text */

/* "RCPT:550 5.1.1 no such user": this verb is answered so. */
struct answer_refusal {
	enum smtp_verb verb;
	const char *reply;	/* without CRLF; borrowed */
};

struct answer {
	const struct answer_refusal *refusals;
	size_t nrefusals;
	uint64_t *queue_id;	/* the next one; shared by all clients */
	bool lmtp, in_tx, authenticated;
	unsigned char credential;	/* what the next line of AUTH is */
	unsigned rcpts;		/* accepted in this transaction */
	unsigned due;		/* LMTP: replies to this end of data to come */
	enum smtp_verb ended_by;	/* END or BDAT_LAST: what they answer */
};

/* Read "VERB:CODE text". VERB is a command, CONNECT (the greeting) or "." (the
 * end of data). False: it is none, or the code is not 200 to 599. */
bool answer_parse_refusal(const char *text, struct answer_refusal *);

/* The greeting. The octets written to out. */
size_t answer_greeting(struct answer *, char out[ANSWER_MAX]);

/* The reply to what the client has sent; 0 octets if none is due yet. */
size_t answer_event(struct answer *, const struct smtp_event *,
    char out[ANSWER_MAX]);

/* The next of the replies that are due (a->due is not 0). */
size_t answer_due(struct answer *, char out[ANSWER_MAX]);

/* Move with what became true by our own reply. */
void answer_fact(struct answer *, enum smtp_fact);

#endif
