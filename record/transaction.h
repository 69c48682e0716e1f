/* transaction: gathers one mail transaction until it ends (RFC 5321 3.3).
 *
 * It begins when the server accepts MAIL and ends when the server answers the
 * end of data, or resets it. Every one makes a message, also one that came to
 * nothing: its recipients and why they were refused are what one looks for.
 * At most TRANSACTION_RCPT_MAX recipients are kept by name. One thread. */
#ifndef RECORD_TRANSACTION_H
#define RECORD_TRANSACTION_H

#include "record/content.h"
#include "record/recorder.h"

#define TRANSACTION_RCPT_MAX 20000

struct transaction_rcpt {
	size_t address, enhanced, reply;	/* offsets in strings, NUL-ended */
	int code;
};

struct transaction {
	bool open;
	unsigned seq;			/* of the last one begun */
	struct text strings;		/* reverse-path first */
	struct transaction_rcpt *rcpts;
	unsigned n, room;
};

/* A reply, as tables keep it. */
struct transaction_reply {
	int code;			/* 0: none came */
	struct span enhanced, text;
};

void transaction_free(struct transaction *);

void transaction_begin(struct transaction *, struct span reverse_path);
void transaction_rcpt(struct transaction *, struct span address,
    const struct transaction_reply *);

/* LMTP: the n-th accepted recipient's own reply to the end of data. */
void transaction_rcpt_final(struct transaction *, unsigned n,
    const struct transaction_reply *);

/* It is over. content may be NULL: none was sent. The message for the recorder,
 * NULL: out of memory. */
struct recorder_message *transaction_end(struct transaction *,
    struct content *content, bool accepted, const struct transaction_reply *);

#endif
