/* envelope: puts other names into the commands of a script before it is played:
 * --helo, --mail-from, --rcpt-to.
 *
 * Every EHLO, HELO, LHLO, MAIL, RCPT of the recording gets the new name;
 * the rest of the line stays as it was, SIZE, BODY, NOTIFY and the like too.
 * ORCPT would still name the recorded recipient, to whom nobody writes any
 * more: it becomes the new one (RFC 3461 4.2). Mail content stays as it is. */
#ifndef REPLAY_ENVELOPE_H
#define REPLAY_ENVELOPE_H

#include "replay/script.h"

#define ENVELOPE_ADDRESS_MAX 320	/* octets; 64 + 1 + 255, RFC 5321 4.5.3.1 */

struct envelope {
	const char *helo, *mail_from, *rcpt_to;	/* NULL: as recorded */
};

/* NULL, or what is wrong with these names. Addresses may stand in angle
 * brackets; an empty sender is "<>". */
const char *envelope_check(const struct envelope *);

/* Edit the script. False: out of memory. After envelope_check(). */
bool envelope_apply(const struct envelope *, struct script *);

#endif
