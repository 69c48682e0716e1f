/* mailboxes: counts those in an address list (RFC 5322 3.4), octet by octet.
 *
 * Sees through quoted strings, comments, routes and groups; folds are blanks.
 * What is no list at all has some count too. Pure; one thread at a time. */
#ifndef INSPECT_MAILBOXES_H
#define INSPECT_MAILBOXES_H

#include "inspect/span.h"

/* All 0: before the first octet. */
struct mailboxes {
	unsigned comments;	/* open ones */
	bool quoted, escaped;
	bool literal;		/* within [ ] */
	bool angle;		/* < has just been */
	bool route;		/* within <@a,@b: */
	bool some;		/* a mailbox, or the name of a group */
};

/* More of the list; how many mailboxes have ended in it. */
unsigned mailboxes_read(struct mailboxes *, struct span);

/* The list is over; whether it was within one. Begins anew. */
bool mailboxes_end(struct mailboxes *);

#endif
