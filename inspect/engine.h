/* engine: what the files of the engine share; private to inspect/.
 *
 * session.c cuts the streams into units and keeps the queue of replies;
 * command.c with verb.c, chunk.c, reply.c and content.c each read one kind of
 * unit. */
#ifndef INSPECT_ENGINE_H
#define INSPECT_ENGINE_H

#include "inspect/smtp.h"

/* What the client's next bytes are. */
enum engine_phase {
	PHASE_COMMAND,		/* a command line */
	PHASE_HELD,		/* unknown until the youngest command is answered */
	PHASE_CREDENTIAL,	/* a line of an AUTH exchange */
	PHASE_CONTENT,		/* mail content up to CRLF.CRLF */
	PHASE_CHUNK,		/* octets_left octets of BDAT */
	PHASE_RAW,		/* octets_left octets of XEXCH50 */
};

/* What the content scan has just passed. */
enum engine_eol {
	EOL_CRLF,	/* CRLF, or the reply to DATA: a strict line start */
	EOL_LF,		/* LF alone: a line start for some servers */
	EOL_CR,		/* CR */
	EOL_NUL,	/* NUL at a line start */
	EOL_DOT,	/* "." behind CR or NUL */
	EOL_TEXT,	/* anything else */
};

/* What is known of the bytes behind a lookalike of the end of data. */
enum engine_hold {
	HOLD_NONE,
	HOLD_OPEN,	/* no true end of data among them */
	HOLD_ENDED,	/* a true end of data is the last of them */
	HOLD_BEYOND,	/* the client went on behind a true end of data */
	HOLD_TAKEN,	/* the server took the lookalike */
	HOLD_RELEASED,	/* it is content */
};

enum engine_flow { FLOW_LINE, FLOW_HELD, FLOW_CHUNK };

struct engine_verb {
	const char *keyword;
	unsigned char n;		/* octets of keyword */
	unsigned char flow;		/* enum engine_flow */
	bool last_in_group, secret;
	const char *section;
};

extern const struct engine_verb engine_verbs[SMTP_VERBS];

/* The verb a command line begins with; the rest of the line is its argument.
 * UNKNOWN for what is not in verbs.def. */
enum smtp_verb engine_lookup(struct span *line);

/* Without the blanks in front, of which a CR is one to Postfix, too: "." CRLF CR
 * "MAIL" is a MAIL there. */
struct span engine_behind_blanks(struct span line);

/* Fill in ev for a whole command line (CRLF included) and predict from it. */
void engine_command(struct smtp_session *, struct smtp_event *ev,
    struct span line);

/* What stands behind BDAT (RFC 3030 2): ev->text is its argument. */
void engine_bdat(struct smtp_session *, struct smtp_event *ev);

/* Cut the number at the front of *s: decimal digits only, no overflow (SECURITY
 * L7). False: there is none. */
bool engine_number(struct span *s, uint64_t *value);

/* The same for a line of an AUTH exchange. */
void engine_credential(struct smtp_event *ev, struct span line);

/* The same for a line of a reply; the session moves with it. False: the
 * client's side must be read first. more is what stands behind the line. */
bool engine_reply(struct smtp_session *, struct smtp_event *ev,
    struct span line, struct span more);

/* Cut a run of octets whose number is known off *in: of a chunk, of XEXCH50. */
enum smtp_step engine_counted(struct smtp_session *, struct span *in,
    struct smtp_event *ev);

/* The code of a line without its line end, and whether it is the last of its
 * reply; 0 if it is none of a reply: it answers nothing. */
int engine_code(struct span line, bool *last);

/* Cut a piece of mail content, or the end of data, off *in. */
enum smtp_step engine_content(struct smtp_session *, struct span *in,
    struct smtp_event *ev);

/* The queue of commands that await a reply. push when full forgets the
 * youngest: callers ask first. */
void engine_push(struct smtp_session *, enum smtp_verb);
enum smtp_verb engine_oldest(const struct smtp_session *);
enum smtp_verb engine_youngest(const struct smtp_session *);
void engine_pop(struct smtp_session *);

/* The transaction is over, or never was. */
void engine_tx_over(struct smtp_session *);

#endif
