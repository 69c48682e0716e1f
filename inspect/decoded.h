/* decoded: what the text of a header means, in the octets of its charset.
 *
 * Decodes escapes (RFC 5322 3.2.4), encoded words (RFC 2047) and %XX (RFC 2231
 * 4); what is malformed stands for itself. Pure; any thread. */
#ifndef INSPECT_DECODED_H
#define INSPECT_DECODED_H

#include <stdint.h>

#include "inspect/span.h"

struct decoded {
	char *out;		/* whoever begins it owns it */
	size_t room;
	uint64_t octets;	/* in all; out has the first room of them */
};

/* Append text in which encoded words count, and if it was quoted, escapes. */
void decoded_text(struct decoded *, struct span, bool quoted);

/* Append octets given as %XX; charset'language' in front is left out if there
 * may be one. */
void decoded_percent(struct decoded *, struct span, bool charset);

#endif
