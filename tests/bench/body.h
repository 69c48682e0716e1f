/* body: the mail content that load sends and sink expects, octet by octet.
 *
 * It is made from its size and from an id, which also stands in RCPT TO; so the
 * sink compares all that comes with what must have been sent, and loss, damage,
 * reordering and mixing up of sessions are all noticed. Lines of 76 letters,
 * every 50th begins with ".." (a stuffed dot): fit for DATA and for BDAT. */
#ifndef BENCH_BODY_H
#define BENCH_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_ID_AT	12	/* octets before the id */
#define BODY_ID_DIGITS	10
#define BODY_HEAD	24	/* octets of the first line, which holds the id */

struct body {
	char *octets;		/* with an id of zeros */
	size_t size;
};

/* False: no memory, or size too small for the header. Freed by exit. */
bool body_make(struct body *, size_t size);

/* Write the id in digits. */
void body_id(char digits[BODY_ID_DIGITS], uint32_t id);

/* The n octets at p are those of the body with this id from `at` on. */
bool body_matches(const struct body *, const char digits[BODY_ID_DIGITS],
    size_t at, const char *p, size_t n);

#endif
