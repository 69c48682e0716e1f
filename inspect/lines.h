/* lines: finds where lines end, and measures them.
 *
 * A line ends with CRLF or LF. Octets in, counts out: the caller keeps the octets
 * and says what each line is. However they are cut, the measures are the same.
 * Pure; one thread at a time. */
#ifndef INSPECT_LINES_H
#define INSPECT_LINES_H

#include <stdint.h>

#include "inspect/span.h"

/* All 0 but crlf, true: before the first octet. */
struct lines {
	uint64_t octets;	/* of the line under way, its end included */
	uint64_t length;	/* without CRLF: of that line so far, or of the
				 * longest that the last call has seen */
	bool cr;		/* CR was last, within the line */
	bool crlf;		/* the line before ended with CRLF */
};

/* How many octets at the front, max at most, are of the line under way. *ends:
 * they end it. in is not empty, max not 0. */
size_t lines_one(struct lines *, struct span in, size_t max, bool *ends);

/* Where lines that begin otherwise than others are to be seen. */
struct lines_stop {
	bool dash;	/* "-" */
	bool dot;	/* ".", behind CRLF */
};

/* How many octets at the front are of this line and those behind it, up to one
 * to stop at. *ends: they end with a line's end. in is not empty. */
size_t lines_run(struct lines *, struct span in, struct lines_stop,
    bool *ends);

/* How many octets at the front come before a line that begins with "-", those of
 * a line under way included; nothing is measured. */
size_t lines_skim(struct span in);

#endif
