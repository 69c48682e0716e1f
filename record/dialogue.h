/* dialogue: pairs commands with their replies, and writes them as exchanges.
 *
 * The engine says which reply answers a command; this keeps the commands that
 * wait, in order, with what has to be known when their reply comes. One that was
 * withheld from the server waits for smtptap's own reply. An exchange
 * is one element of a JSON array (record/FORMAT.md):
 *	[t_us, verb, argument, forwarded, code, enhanced, reply, latency_us, origin]
 * Long arguments and replies are cut at DIALOGUE_TEXT_MAX octets (the wire log
 * has them whole). Bounded by SMTP_PENDING_MAX commands. One thread. */
#ifndef RECORD_DIALOGUE_H
#define RECORD_DIALOGUE_H

#include "inspect/smtp.h"
#include "record/content.h"
#include "record/text.h"

#define DIALOGUE_TEXT_MAX 8192	/* octets */

struct dialogue_command {
	int64_t t_us;
	enum smtp_verb verb;
	bool withheld;			/* the server was not given it */
	struct span argument;		/* good until the next dialogue_command() */
	struct content *content;	/* of END and BDAT LAST; owned */
};

struct dialogue {
	struct dialogue_entry *ring;	/* commands that wait */
	unsigned room, oldest, n;
	struct text arguments;		/* of those that wait, end to end */
	size_t arguments_from;		/* those before are answered */
	struct text reply;		/* lines so far, LF between */
	unsigned written;		/* exchanges */
};

void dialogue_free(struct dialogue *);

/* A command has been said. False: out of memory, it will be missing. */
bool dialogue_command(struct dialogue *, int64_t t_us, enum smtp_verb,
    struct span argument, bool withheld);

/* Give the youngest command its content; takes ownership. */
void dialogue_content(struct dialogue *, struct content *);

/* A line of a reply. */
void dialogue_reply(struct dialogue *, struct span text);

/* The command that is answered next; false: none waits. */
bool dialogue_oldest(const struct dialogue *, struct dialogue_command *);

/* That one, if such a reply can be meant for it: own, smtptap's; else the
 * server's, which does not answer what it was not given. */
bool dialogue_answered(const struct dialogue *, bool own,
    struct dialogue_command *);

/* The oldest command has its whole reply: write the exchange and forget it.
 * With no command waiting, it is a reply to none. own: smtptap answered. */
void dialogue_answer(struct dialogue *, struct text *exchanges, int64_t t_us,
    int code, struct span enhanced, bool own);

/* The server answers a command of those that wait: what was withheld in front of
 * it never got a reply, not even of ours. Write that. */
void dialogue_pass_over(struct dialogue *, struct text *exchanges);

/* The oldest command and its reply are not told: its client was answered, or will
 * be, by smtptap. */
void dialogue_take_back(struct dialogue *);

/* The session is over: write those that were never answered. */
void dialogue_end(struct dialogue *, struct text *exchanges);

#endif
