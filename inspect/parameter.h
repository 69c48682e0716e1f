/* parameter: cuts parameters off the body of a MIME field (RFC 2045 5.1), and
 * says what their values mean.
 *
 *	parameters_start(&rest, body);		(body: unfolded)
 *	while (parameters_next(&rest, &p))
 *		n = parameter_value(&rest, &p, buffer, sizeof buffer);
 *
 * Takes what mail readers take: blanks in a value without quotes, a quoted
 * string that does not end. Nothing is copied but values. Pure; any thread. */
#ifndef INSPECT_PARAMETER_H
#define INSPECT_PARAMETER_H

#include <stdint.h>

#include "inspect/span.h"

struct parameters {
	struct span body, rest;
	bool comments;		/* those that begin also end */
	unsigned searches;	/* for sections, from the front */
};

struct parameter {
	struct span name;	/* "filename" of filename*0*= */
	struct span value;	/* as it stands, without the quotes */
	bool quoted;
	bool extended;		/* name*=, name*0*=: octets as %XX (RFC 2231 4) */
	bool sectioned;		/* name*0=, name*0*= (RFC 2231 3) */
	unsigned section;
};

/* Begin with the body of a field, unfolded; good as long as that memory is. */
void parameters_start(struct parameters *, struct span body);

/* Cut the next one off. False: there are no more. */
bool parameters_next(struct parameters *, struct parameter *);

/* Write what the value means into at most room octets of out, all sections that
 * belong to this one included, in the octets of its charset: escapes (RFC 2045),
 * %XX (RFC 2231) and encoded words (RFC 2047) are decoded. Octets in all, which
 * may be more than room. */
uint64_t parameter_value(struct parameters *, const struct parameter *,
    char *out, size_t room);

/* What stands before the first parameter, without comments, blanks and quotes,
 * in lower case, into at most room octets of out; how many there are. "Text /
 * (plain) HTML; charset=x" is "text/html". */
size_t parameter_token(struct span, char *out, size_t room);

#endif
