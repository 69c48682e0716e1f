/* mime: reads the header and the MIME parts of mail content as it passes.
 *
 * A pull reader: octets in, finds out; nothing of the content is held but the
 * header field under way (MIME_FIELD_MAX; what is longer is measured, not kept).
 * However the content is cut, finds and measures are the same.
 *
 *	mime_start(&m, stuffed);
 *	while (mime_read(&m, &in, &find))
 *		use(&find);		(in is empty when it returns false)
 *
 * Sees through folding (RFC 5322 2.2.3), nesting (RFC 2046, to MIME_DEPTH_MAX),
 * RFC 2231 and RFC 2047 in parameters, message/rfc822. Anything may come in:
 * what is malformed is an anomaly, never an error. Where readers of mail disagree
 * (two Content-Type fields, two names of one file) it finds both and goes where
 * more is to be found. A header ends at the first line that is no field, as it
 * does for Postfix and Exim. Each measure only grows. One thread at a time. */
#ifndef INSPECT_MIME_H
#define INSPECT_MIME_H

#include <stdint.h>

#include "inspect/mailboxes.h"
#include "inspect/encoding.h"
#include "inspect/lines.h"
#include "inspect/parameter.h"
#include "inspect/smtp.h"

#define MIME_FIELD_MAX	4096	/* octets kept of a header field */
#define MIME_DEPTH_MAX	16	/* multiparts within each other */
#define MIME_BOUNDARY_MAX 70	/* octets, RFC 2046 5.1.1; of a longer one the
				 * first are compared */
#define MIME_VALUE_MAX	1024	/* octets kept of a decoded value */

/* The anomalies that only this reader finds. */
#define MIME_ODD (SMTP_ODD(DUPLICATE_FIELD) | SMTP_ODD(MALFORMED_HEADER) | \
	SMTP_ODD(FIELD_NAME_LENGTH) | SMTP_ODD(FIELD_LENGTH) | \
	SMTP_ODD(BOUNDARY_LENGTH) | SMTP_ODD(FILENAME_LENGTH) | \
	SMTP_ODD(MALFORMED_MIME) | SMTP_ODD(NESTING) | \
	SMTP_ODD(INVALID_BASE64) | SMTP_ODD(INVALID_QUOTED) | \
	SMTP_ODD(INVALID_UUENCODE) | SMTP_ODD(ENCODED_LINE_LENGTH))

enum mime_what {
	MIME_TYPE,	/* "application/pdf", lower case */
	MIME_ENCODING,	/* of Content-Transfer-Encoding, lower case */
	MIME_FILENAME,	/* decoded to octets of its charset, at most
			 * MIME_VALUE_MAX of them */
};

struct mime_find {
	enum mime_what what;
	struct span value;	/* good until the next call */
	uint64_t octets;	/* of the value as far as its field is kept,
				 * decoded */
	unsigned depth;		/* 0: the message itself */
};

/* What the message measures so far; for rules that compare numbers. Octets are
 * as meant: without the dots that DATA stuffs. */
struct mime_measures {
	uint64_t header_octets;		/* up to the empty line */
	uint64_t body_octets;		/* behind it */
	uint64_t header_line, body_line;	/* the longest, without CRLF */
	uint64_t filename;		/* the longest, decoded */
	unsigned to_addresses;		/* in To fields of the message */
	bool in_body;
	uint64_t anomalies;		/* of MIME_ODD, in headers and in the
					 * encoding of parts */
};

struct mime;	/* below: callers allocate it, and read only measures */

/* A message begins. stuffed: it comes by DATA, dots at line starts doubled. */
void mime_start(struct mime *, bool stuffed);

/* Read up to the next find. False: all of *in has been read. */
bool mime_read(struct mime *, struct span *in, struct mime_find *);

/* The content is over: the last line and field are whole. True: one more find;
 * call again. */
bool mime_end(struct mime *, struct mime_find *);

/* From here on only headers are read: encodings of bodies are not checked, and
 * what is measured of the body is not all. Not for content that is stuffed. */
void mime_skim(struct mime *);

/* Nothing can be found or odd in what is still to come: it is plain text, or
 * it is skimmed, in no multipart. Who needs no measures need not read it. */
bool mime_done(const struct mime *);

/* A multipart whose parts are being read. */
struct mime_level {
	unsigned depth;		/* of its parts */
	bool digest;		/* they are messages (RFC 2046 5.1.5) */
	bool longer;		/* the boundary has more octets than these */
	unsigned char n;
	char boundary[MIME_BOUNDARY_MAX];
};

struct mime {
	struct mime_measures measures;
	/* private */
	bool stuffed, skims;
	bool in_header;		/* of the message or of a part */
	unsigned char line;	/* what is known of the line under way */
	bool dotted;		/* the stuffed dot of this line has been taken */
	struct lines lines;
	unsigned depth, levels_n;
	struct encoding encoding;	/* of the body under way */
	/* the field under way, or the line that may begin one */
	bool open, to;
	uint64_t field_octets;
	size_t kept, name, colon;	/* octets of field; within it */
	struct mailboxes mailboxes;
	/* a whole field: what it still says */
	unsigned char says;
	struct parameters parameters;
	/* the part whose header is read, so far */
	unsigned char kind;
	enum encoding_kind encoded;
	bool any, typed, bounded;
	uint64_t seen;		/* fields that may stand once */
	struct mime_level coming;	/* the multipart it may be */
	/* not cleared by mime_start() */
	struct mime_level levels[MIME_DEPTH_MAX];
	char field[MIME_FIELD_MAX];
	char value[MIME_VALUE_MAX];
};

#endif
