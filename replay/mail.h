/* mail: the messages of a recorded session, as they were meant.
 *
 * Takes the units of a walk and gives, for each message, what the server was
 * given of it, DATA's dots taken out (RFC 5321 4.5.2), under the number it has in the view
 * message. Keeps the books with the recorder's own account, so that both agree
 * on what a message is. One thread; out of memory ends the program. */
#ifndef REPLAY_MAIL_H
#define REPLAY_MAIL_H

#include "record/account.h"
#include "replay/walk.h"

/* The content of a message; seq is 0 until the message is decided. */
struct mail_content {
	unsigned seq;
	struct text bytes;
};

struct mail {
	struct account account;
	struct recorder_session facts;
	struct text exchanges, events;		/* as the recorder writes them */
	struct recorder_message *messages;	/* decided, oldest first */
	struct recorder_message **end;
	bool keep;				/* the contents as well */
	struct text under_way;
	char tail[2];				/* last octets of it as sent */
	struct mail_content *contents;		/* sent whole, oldest first */
	size_t n, room;
	bool gap;				/* octets are missing somewhere */
};

/* keep: mail_find() will be asked. */
void mail_open(struct mail *, bool keep);
void mail_add(struct mail *, const struct walk_unit *);

/* No unit is left: decide what never got its reply. */
void mail_end(struct mail *);
void mail_close(struct mail *);

/* The content of a message; NULL if it was not sent to its end. */
const struct mail_content *mail_find(const struct mail *, unsigned seq);

#endif
