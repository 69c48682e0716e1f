/* transcript: a session as text, both ways (the notation of docs/TRANSCRIPT.md).
 *
 *	=== session ID  START  CLIENT -> SERVER
 *	   +0.000412 <-  220 mail.example.com ESMTP
 *	   +0.000907  -> EHLO client.example
 *	=== closed by client  0.118s
 *
 * One line of text is one line of the wire, or a part of one. A time, if there
 * is one, says when the segment that begins here came, in seconds since the
 * session's start. The mark behind it, four columns wide, says who sent the
 * line. CRLF at its end is implied. In the text behind the mark
 *	\\ a backslash     \r \n CR, LF     a tab is a tab
 *	\xNN any other octet that is not printable UTF-8; a blank or tab at the
 *	     end; a [ at the front that a reader could take for [N bytes]
 *	\c   at the end: no line end here
 *	\n   at the end: no CRLF is implied, LF alone ends the line
 *	\{+SECONDS} a segment ended here and the next came at that time
 * A line " -> [N bytes ...]" stands for N octets that are not shown.
 * "*** TLS with the client: ..." says that it came to TLS with smtptap, any other
 * "*** ..." is an event; lines of "#" and empty ones are comments.
 * Pure: bytes in, bytes out; no allocation. Any thread. */
#ifndef INSPECT_TRANSCRIPT_H
#define INSPECT_TRANSCRIPT_H

#include <stdint.h>

#include "inspect/smtp.h"

#define TRANSCRIPT_TIME_MAX 24	/* octets of a time, "+9223372036854.775807" */

enum transcript_what {
	TRANSCRIPT_BYTES,	/* bytes that side sent */
	TRANSCRIPT_OMITTED,	/* octets that side sent, not shown: text is what
				 * follows "bytes" */
	TRANSCRIPT_SESSION,	/* "=== session ...": text is what follows */
	TRANSCRIPT_FIN,		/* "=== client ends": no more from that side */
	TRANSCRIPT_RESET,	/* "=== client resets": the same, by RST */
	TRANSCRIPT_CLOSED,	/* "=== closed by ...": text is what follows; or
				 * "=== interrupted ...": text is all of that */
	TRANSCRIPT_SECURED,	/* "*** TLS with the client: ...": from here on that
				 * side is in TLS; text is what follows */
	TRANSCRIPT_EVENT,	/* "*** ...": text is what follows */
	TRANSCRIPT_COMMENT,
	TRANSCRIPT_BAD,		/* not a line of this notation; text is why */
};

struct transcript_line {
	enum transcript_what what;
	enum smtp_side side;
	bool own;		/* "=>", "<=": made by smtptap */
	bool held;		/* "-x>", "<x-": seen, not forwarded */
	bool odd;		/* "**>", "<**": forwarded though a violation */
	bool tls;		/* "~>", "<~" */
	bool timed;		/* t_us is set: a segment begins here */
	bool more;		/* bytes: the same line of text goes on */
	int64_t t_us;		/* since the session's start */
	uint64_t octets;	/* OMITTED: how many */
	struct span bytes;	/* BYTES: unescaped, in the caller's room */
	struct span text;	/* borrowed from the line, or static */
};

/* The four columns that say who sent a line and what became of it; static.
 * Reads side, own, held, odd and tls; the first of these that is set counts. */
const char *transcript_mark(const struct transcript_line *);

/* The words of a SECURED line before its colon; static. */
const char *transcript_secured(enum smtp_side);

/* Escape as much of *in as fits in room octets, cutting it off *in; the octets
 * written to out. room is at least 8. Line ends are escaped like the rest: cut
 * off before what is to be implied. front: *in stands right behind the mark.
 * Only where *in ends may a line of text end. */
size_t transcript_escape(struct span *in, bool front, char *out, size_t room);

/* "+0.000412"; the octets written. t_us is not negative. */
size_t transcript_time(int64_t t_us, char out[TRANSCRIPT_TIME_MAX]);

/* Read one line of text (its line end included or not) and cut it off *line.
 * Bytes are unescaped into out, which has room for line->n + 2 octets.
 * *got is zero at first. Where a segment ends in the middle, got->more is set
 * and *line is left at the rest, which may be empty: call again, with *got as
 * it is, until more is false. */
void transcript_parse(struct span *line, char *out, struct transcript_line *got);

#endif
