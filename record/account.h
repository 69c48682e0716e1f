/* account: what the events of a session mean; the tap's other half.
 *
 * Keeps the books of one session: which command waits for which reply, the
 * transaction under way, the content under way, who the client said it is. It
 * writes exchanges, messages and events into a ledger that the tap hands on, and
 * the facts into struct recorder_session. Sees no sockets and no store. */
#ifndef RECORD_ACCOUNT_H
#define RECORD_ACCOUNT_H

#include "inspect/smtp.h"
#include "record/dialogue.h"
#include "record/notes.h"
#include "record/recorder.h"
#include "record/secret.h"
#include "record/transaction.h"

/* Where to write. */
struct ledger {
	struct text *exchanges, *events;
	struct recorder_message **messages;	/* end of a list */
};

struct account {
	struct dialogue dialogue;
	struct transaction tx;
	struct content *content;	/* under way */
	struct secret secret;
	char user[128];			/* of the AUTH under way */
	struct notes notes;
	bool digest;			/* messages get a SHA-256 */
	bool any_accepted;		/* LMTP: of this message's recipients */
	bool holed;			/* octets of content are unknown */
	/* of the last transaction, for the log line */
	char mail_from[128], queue_id[64], enhanced[12];
	unsigned nrcpt;
	uint64_t size;
};

void account_open(struct account *, bool digest);
void account_free(struct account *);

/* The part of ev->raw that must not be kept, in memory of ev; n = 0: none.
 * Before account_event(). */
struct span account_secret(const struct account *, const struct smtp_event *);

/* Enter an event; its last byte came at t_us. */
void account_event(struct account *, const struct smtp_event *, int64_t t_us,
    struct recorder_session *, struct ledger *);

/* Octets of the client's are unknown: if it is sending a message, so are that
 * one's size, digest and fields. */
void account_gap(struct account *);

/* Enter a reply that smtptap itself gave to the command that waits. */
void account_own(struct account *, struct span line, int64_t t_us,
    struct recorder_session *, struct ledger *);

/* Enter something that is no byte: "recording-gap". */
void account_note(struct account *, int64_t t_us, enum smtp_side,
    const char *name, const char *severity, struct span detail,
    struct recorder_session *, struct ledger *);

/* The session is over: enter what is still open. */
void account_end(struct account *, int64_t t_us, struct recorder_session *,
    struct ledger *);

#endif
