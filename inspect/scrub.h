/* scrub: a reply line as it looks when it does not tell who made it.
 *
 * Two edits, each on its own: names (a server's host names and addresses are
 * replaced by the name we go by) and text (the standard phrase for the code
 * instead of the server's own, from phrases.def). Code, separator, enhanced
 * status code and line end stay. What carries data stays: the challenge of 334,
 * the path of 251 and 551, what VRFY and EXPN found, lines of EHLO keywords, and
 * the queue id, unless told otherwise.
 *
 * A name counts where it stands whole: not as the end of a longer one. Where
 * the standard puts the server's name (the greeting, the first line of the
 * reply to EHLO, 221, 421) it is replaced whether it is on the list or not. Pure. */
#ifndef INSPECT_SCRUB_H
#define INSPECT_SCRUB_H

#include "inspect/gate.h"

/* What to replace, and with what; n = 0: not. */
struct scrub {
	const struct gate_name *names;	/* hosts, whole, in any case */
	size_t n_names;
	struct span host;		/* instead of each of them */
	struct span our_text, client_text;	/* our address by the client's */
	bool hosts, text, queue_ids;
};

/* The edits for a reply line to this verb, in order, none overlapping, at most
 * `most`; how many. out of each lies in ev->raw; in borrows from s, from static
 * memory, from ev->raw or from made (*n_made of its GATE_MADE_MAX octets are
 * used). ev is a REPLY with a code. Where `most` is too few, the last one takes
 * the rest of the line. */
unsigned scrub_line(const struct scrub *s, const struct smtp_event *ev,
    struct gate_edit *edits, unsigned most, char *made, size_t *n_made);

/* The host name a greeting or the first line of a reply to EHLO begins with, or
 * an address literal, with its brackets; n = 0 if it does not, or if that is
 * longer than GATE_NAME_MAX. A single label is taken for a name only where the
 * line says so ("mail ESMTP", "mail Hello") or it looks like nothing else ("mx1"). */
struct span scrub_host(struct span text);

#endif
