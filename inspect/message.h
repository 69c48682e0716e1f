/* message: pulls header fields out of the start of mail content (RFC 5322 2.2).
 *
 * Bytes in, fields out; nothing is copied. Works on what is there: a message
 * whose header is cut off gives the fields that are whole. Dots at the start
 * of lines are as in the content given (stuffed or not). Any thread. */
#ifndef INSPECT_MESSAGE_H
#define INSPECT_MESSAGE_H

#include <stdint.h>

#include "inspect/span.h"

struct message_field {
	struct span name;	/* "Subject" */
	struct span body;	/* behind the colon; folds and CRLF inside */
};

/* Cut the next header field off *header. False at the empty line, at the end,
 * or at what is no field; *header then stands before it. */
bool message_next(struct span *header, struct message_field *);

/* Octets of the field name at the front of a line, and where its colon is:
 * printable ASCII (3.6.8), then blanks at most (4.5). 0: this line is no field. */
size_t message_name(struct span line, size_t *colon);

/* Copy a field's body, unfolded (2.2.3) and trimmed, into at most room octets
 * of out; the octets written. A longer body is cut at a character. out may lie in
 * front of the body in the same memory. */
size_t message_unfold(struct span body, char *out, size_t room);

#endif
