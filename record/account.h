/* account: what the events of a session mean; the tap's other half.
 *
 * Keeps the books of one session: which command waits for which reply, the
 * transaction under way, the content under way, who the client said it is. It
 * writes exchanges, messages and events into a ledger that the tap hands on, and
 * the facts into struct recorder_session. Sees no sockets and no store.
 *
 * Where there is a policy: commands are what the client said, replies what the
 * server said, whether they went on or not; a message is what the server was
 * given of it. A command that was withheld is answered by account_own(). */
#ifndef RECORD_ACCOUNT_H
#define RECORD_ACCOUNT_H

#include "inspect/smtp.h"
#include "record/delivery.h"
#include "record/dialogue.h"
#include "record/notes.h"
#include "record/recorder.h"
#include "record/secret.h"

struct account {
	struct dialogue dialogue;
	struct delivery delivery;
	struct secret secret;
	bool unfinished;		/* the client ended within a credential:
					 * its answer is still to come */
	char user[128];			/* of the AUTH under way */
	struct notes notes;
	char enhanced[12];		/* of the last reply the client was given */
	bool ending;			/* the last piece of content is edited, */
	int64_t end_us;			/* and came then */
	bool asked;			/* a command of ours awaits its reply */
	bool securing;			/* a STARTTLS is smtptap's to answer, */
	int64_t starttls_us;		/* that came then */
	bool changed;			/* the unit under way counts as rewritten */
};

void account_open(struct account *, bool digest);
void account_free(struct account *);

/* The part of ev->raw that must not be kept, in memory of ev; n = 0: none.
 * Before account_event(). */
struct span account_secret(const struct account *, const struct smtp_event *);

/* Enter an event; its last byte came at t_us. */
void account_event(struct account *, const struct smtp_event *,
    enum tap_fate, int64_t t_us, struct recorder_session *, struct ledger *);

/* Of the event before, which was EDITED: the server was given these bytes, in
 * order, whether they were passed or made. */
void account_given(struct account *, struct span bytes);

/* And some of it was withheld or made. */
void account_changed(struct account *, struct recorder_session *);

/* Octets of the client's are unknown: if it is sending a message, so are that
 * one's size, digest and fields. */
void account_gap(struct account *);

/* Enter a reply that smtptap itself gave to the command that waits. */
void account_own(struct account *, struct span line, int64_t t_us,
    struct recorder_session *, struct ledger *);

/* Enter a command that smtptap itself gave the server. */
void account_said(struct account *, struct span line, int64_t t_us);

/* Enter something that is no byte: "recording-gap". */
void account_note(struct account *, const struct note *,
    struct recorder_session *, struct ledger *);

/* Enter that a rule has fired, as a row named "rule" with "ACTION: DETAIL";
 * dry: "would ACTION: DETAIL". */
void account_rule(struct account *, const struct note *rule,
    const char *action, bool dry, struct recorder_session *, struct ledger *);

/* The session is over: enter what is still open. */
void account_end(struct account *, int64_t t_us, struct recorder_session *,
    struct ledger *);

#endif
