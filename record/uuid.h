/* uuid: version 7 UUIDs (RFC 9562 5.7), the public ids of sessions.
 *
 * Kept as 16 octets; as text 36 characters, lower case, with dashes. Those made
 * by one thread at different times sort by time to a quarter of a microsecond
 * (6.2 method 3). Any thread; no errors. */
#ifndef RECORD_UUID_H
#define RECORD_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT_MAX	37	/* octets, NUL included */

/* A new one. wall_ns: ns since 1970. */
void uuid_make(unsigned char uuid[16], int64_t wall_ns);

void uuid_text(const unsigned char uuid[16], char out[UUID_TEXT_MAX]);

/* The lowest and the highest UUID that begin with these hexadecimal digits, in
 * any case, with or without dashes; all 32 give twice the same. False if there
 * is another character in text, or more digits, or none. */
bool uuid_range(const char *text, unsigned char low[16],
    unsigned char high[16]);

#endif
