/* wire: what passed on the wire, as frames; the format of a wire log.
 *
 * A wire log is frames laid end to end:
 *	octet	kind * 2 + side
 *	varint	t_us of the segment, as zigzag difference to the frame before
 *	varint	octets
 *	octets	of them, or none for GAP and the kinds that carry none;
 *		REDACTED, WITHHELD_REDACTED: varint length of the stand-in,
 *		then the stand-in
 * A varint is little-endian base 128 (LEB128), at most ten octets.
 *
 * A segment is what one read from a socket gave. Its bytes may lie in several
 * frames of the same t_us and side; no two segments of a session have the same
 * t_us. What that side sent is BYTES, REDACTED, GAP, WITHHELD and
 * WITHHELD_REDACTED; what the other side was given of it is BYTES, REDACTED, GAP
 * and MADE, and in between, at the time it was said, OWN. Of a side that came to
 * TLS with smtptap (SECURED) these are the octets within TLS.
 * Frames stand in the order in which the engine understood them, t_us
 * tells the order in which they came: sort by t_us (stable) to get that.
 * Pure but for the text it appends to. */
#ifndef RECORD_WIRE_H
#define RECORD_WIRE_H

#include "inspect/smtp.h"
#include "record/text.h"

enum wire_kind {
	WIRE_BYTES,	/* bytes that side sent */
	WIRE_REDACTED,	/* octets that side sent; bytes is the stand-in kept */
	WIRE_GAP,	/* octets that side sent and that were not recorded */
	WIRE_OWN,	/* bytes smtptap itself sent, as that side's, to the other */
	WIRE_FIN,	/* that side ended its stream */
	WIRE_RESET,	/* that side reset the connection */
	WIRE_WITHHELD,	/* bytes that side sent, not forwarded */
	WIRE_WITHHELD_REDACTED,	/* the same, of a secret: a stand-in */
	WIRE_MADE,	/* bytes smtptap put into what that side sent, where
			 * they stand among its octets */
	WIRE_SECURED,	/* from here on that side spoke TLS with smtptap: bytes is
			 * what is known of it, for people (tls_text.h) */
	WIRE_KINDS
};

struct wire_frame {
	enum wire_kind kind;
	enum smtp_side side;
	int64_t t_us;		/* since the session's start */
	uint64_t octets;	/* as they were on the wire */
	struct span bytes;	/* as they are kept; borrowed from the log */
};

/* That side sent these octets; MADE, OWN and the ends of streams were not. */
bool wire_is_stream(enum wire_kind);

/* Append a frame. *last_us: t_us of the frame before in this log, 0 at first. */
void wire_put(struct text *log, const struct wire_frame *, int64_t *last_us);

/* Cut a frame off the front of *log. False at the end, and at anything that is
 * no frame: then log->n is not 0. */
bool wire_get(struct span *log, struct wire_frame *, int64_t *last_us);

/* A varint on its own; used by extents too. */
void wire_varint(struct text *, uint64_t);
bool wire_varint_get(struct span *, uint64_t *);

#endif
