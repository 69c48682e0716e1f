/* mime: reads the header and the MIME parts of mail content as it passes.
 *
 * A pull reader: octets in, finds out; nothing of the content is held but the
 * header field under way (MIME_FIELD_MAX; what is longer is measured, not kept).
 * However the content is cut, finds and measures are the same.
 *
 *	mime_start(&m);
 *	while (mime_read(&m, &in, &find))
 *		use(&find);		(in is empty when it returns false)
 *
 * Sees through folding (RFC 5322 2.2.3), nesting (RFC 2046, to MIME_DEPTH_MAX),
 * RFC 2231 and RFC 2047 in parameters, message/rfc822. Anything may come in:
 * what is malformed is an anomaly, never an error. One thread at a time. */
#ifndef INSPECT_MIME_H
#define INSPECT_MIME_H

#include <stdint.h>

#include "inspect/span.h"

#define MIME_FIELD_MAX	4096	/* octets kept of a header field */
#define MIME_DEPTH_MAX	8	/* multiparts within each other */
#define MIME_BOUNDARY_MAX 70	/* octets, RFC 2046 5.1.1 */
#define MIME_VALUE_MAX	1024	/* octets kept of a decoded value */

enum mime_what {
	MIME_TYPE,	/* "application/pdf", lower case */
	MIME_ENCODING,	/* of Content-Transfer-Encoding, lower case */
	MIME_FILENAME,	/* decoded to octets of its charset, at most
			 * MIME_VALUE_MAX of them */
};

struct mime_find {
	enum mime_what what;
	struct span value;	/* good until the next call */
	uint64_t octets;	/* of the whole value, decoded */
	unsigned depth;		/* 0: the message itself */
};

/* What the message measures so far; for rules that compare numbers. */
struct mime_measures {
	uint64_t header_octets;		/* up to the empty line */
	uint64_t body_octets;		/* behind it */
	uint64_t header_line, body_line;	/* the longest, without CRLF */
	uint64_t filename;		/* the longest, decoded */
	unsigned to_addresses;		/* in To fields of the message */
	bool in_body;
	uint64_t anomalies;		/* SMTP_ODD(...) seen in the header
					 * and in the encoding of parts */
};

struct mime;	/* below: callers allocate it, and read only measures */

/* A message begins. stuffed: it comes by DATA, dots at line starts doubled. */
void mime_start(struct mime *, bool stuffed);

/* Read up to the next find. False: all of *in has been read. */
bool mime_read(struct mime *, struct span *in, struct mime_find *);

/* The content is over: the last line and field are whole. True: one more find;
 * call again. */
bool mime_end(struct mime *, struct mime_find *);

struct mime {
	struct mime_measures measures;
	/* private */
	bool stuffed;
	char field[MIME_FIELD_MAX];
};

#endif
