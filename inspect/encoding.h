/* encoding: checks the body of a part against its Content-Transfer-Encoding.
 *
 * Octets in, anomalies of inspect/smtp.h out; however they are cut, they add up
 * to the same. Decodes nothing. Pure; one thread at a time. RFC 2045 6. */
#ifndef INSPECT_ENCODING_H
#define INSPECT_ENCODING_H

#include <stdint.h>

#include "inspect/span.h"

enum encoding_kind {
	ENCODING_NONE,		/* 7bit, 8bit, binary, or one that we do not know */
	ENCODING_BASE64,
	ENCODING_QUOTED,	/* quoted-printable */
	ENCODING_UU,		/* uuencode, of no RFC but in use */
};

/* All 0 but kind: before the first octet. */
struct encoding {
	enum encoding_kind kind;
	unsigned char state;	/* of QUOTED and UU: where the next octet stands */
	unsigned char octets;	/* BASE64: of a group of four */
	bool padded;		/* BASE64: "=" has been */
	unsigned column, due;	/* UU: octets of this line; it should have */
};

/* By its name, any case. */
enum encoding_kind encoding_kind(struct span name);

/* More of the body, line ends included. */
uint64_t encoding_read(struct encoding *, struct span);

/* The body is over. */
uint64_t encoding_end(const struct encoding *);

/* A line of a body so encoded may have that many octets at most; 0: any. */
unsigned encoding_line_max(enum encoding_kind);

#endif
