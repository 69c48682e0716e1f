/* regex: regular expressions of the configuration (PCRE2, octets, no UTF).
 *
 * Compiled once, matched by any thread. Work is bounded: a match that takes
 * more than the limits does not match. $ is the very end. */
#ifndef PROXY_REGEX_H
#define PROXY_REGEX_H

#include "inspect/span.h"

#define REGEX_ERROR	192	/* octets of a reason, NUL included */
#define REGEX_MATCH_LIMIT 100000	/* steps, as PCRE2 counts them */
#define REGEX_HEAP_LIMIT 1024		/* KiB */

struct regex;

/* NULL: the reason, with the offset into the pattern. */
struct regex *regex_new(const char *pattern, char error[REGEX_ERROR]);
void regex_free(struct regex *);	/* NULL: nothing */

/* For struct policy; regex is a struct regex. */
bool regex_matches(const void *regex, struct span subject);

#endif
