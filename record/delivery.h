/* delivery: mail on its way: the transaction under way, its content, and the
 * message that both make.
 *
 * The content comes before its reply, and with CHUNKING the next one may come
 * before it too: who keeps the commands that wait keeps it meanwhile. A message
 * is what the server was given of it. One thread. */
#ifndef RECORD_DELIVERY_H
#define RECORD_DELIVERY_H

#include "inspect/smtp.h"
#include "record/fate.h"
#include "record/transaction.h"

/* Where to write. */
struct ledger {
	struct text *exchanges, *events;
	struct recorder_message **messages;	/* end of a list */
};

struct delivery {
	struct transaction tx;
	struct content *content;	/* under way; NULL: none */
	bool digest;			/* messages get a SHA-256 */
	bool any_accepted;		/* LMTP: of this message's recipients */
	bool holed;			/* octets of content are unknown */
	bool edited;			/* delivery_given() counts, of content */
	bool stuffed;			/* which is DATA's */
	/* of the last transaction, for the log line */
	char mail_from[128], queue_id[64];
	unsigned nrcpt;
	uint64_t size;
};

void delivery_free(struct delivery *);

/* MAIL was accepted; RCPT was answered. */
void delivery_begins(struct delivery *, struct span reverse_path,
    struct ledger *);
void delivery_rcpt(struct delivery *, struct span address, bool accepted,
    const struct transaction_reply *);

/* The transaction is over without a reply to its content: a message without
 * content, if there was one. */
void delivery_left(struct delivery *, struct ledger *);

/* Content begins anew, or there will be none. */
void delivery_content_begins(struct delivery *);
void delivery_content_dropped(struct delivery *);

/* A piece of content; if it was edited, delivery_given() tells what of it the
 * server was given, until the next event. */
void delivery_content(struct delivery *, const struct smtp_event *,
    enum tap_fate);
void delivery_given(struct delivery *, struct span bytes);
void delivery_given_all(struct delivery *);

/* Octets are unknown: if content is under way, so are its size and digest. */
void delivery_gap(struct delivery *);

/* The content has ended: the caller's from here. NULL: it is not known. */
struct content *delivery_content_over(struct delivery *);

/* A reply of the server to the end of data, of content: one of LMTP's, or the
 * only one. */
void delivery_answered(struct delivery *, const struct smtp_event *,
    const struct transaction_reply *, struct content *,
    struct recorder_session *, struct ledger *);

/* No more of them will come: the message is decided. reply.code 0: none came. */
void delivery_over(struct delivery *, const struct transaction_reply *,
    struct content *, struct recorder_session *, struct ledger *);

#endif
