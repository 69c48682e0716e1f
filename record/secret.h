/* secret: keeps credentials out of recordings (RFC 4954; PRODUCT 6.5).
 *
 * A credential is replaced by SECRET_STAND_IN, which is well-formed base64, so
 * that a recording stays one that a server can parse. What was replaced is
 * remembered, in memory only, until the next reply has been looked at: servers
 * echo what they do not understand. Wiped when forgotten. One thread. */
#ifndef RECORD_SECRET_H
#define RECORD_SECRET_H

#include "record/text.h"

#define SECRET_STAND_IN	"cmVkYWN0ZWQ="	/* base64 of "redacted" */
#define SECRET_MAX	1024		/* octets remembered to find echoes */
#define SECRET_ECHO	6		/* octets in a row that count as an echo */

struct secret {
	struct text kept;	/* as sent, then decoded */
	struct text mechanism;	/* of the AUTH under way, upper case, with NUL */
	unsigned step;		/* responses seen in it */
};

void secret_free(struct secret *);

/* AUTH begins; argument is what stands behind the verb. */
void secret_auth(struct secret *, struct span argument);

/* A credential has passed: remember it. If it tells the user's name, that is
 * written to user (room octets, NUL-terminated). */
void secret_put(struct secret *, struct span credential, char *user,
    size_t room);

/* Text of a reply repeats a credential. */
bool secret_echoed(const struct secret *, struct span text);

/* Append text with the stand-in in place of a secret that lies in it; of text that
 * a secret lies across, the stand-in only. secret.n = 0: text as it is. */
void secret_redact(struct text *out, struct span text, struct span secret);

/* Nothing to echo any more. */
void secret_forget(struct secret *);

#endif
