#include "tests/bench/body.h"

#include <stdlib.h>
#include <string.h>

static const char header[] =
    "X-Bench-Id: 0000000000\r\n"
    "From: Sender <sender@client.example>\r\n"
    "To: Recipient <rcpt@server.example>\r\n"
    "Subject: benchmark message\r\n"
    "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\n"
    "Message-ID: <bench@client.example>\r\n"
    "\r\n";

#define LINE 78		/* octets of a line of text, CRLF included */

/* The octet at column `at` of text line `line`; *random moves on. */
static char
text_octet(size_t line, size_t at, uint32_t *random)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	if (at >= LINE - 2)
		return "\r\n"[at - (LINE - 2)];
	if (line % 50 == 49 && at < 2)
		return '.';
	*random = *random * 1664525u + 1013904223u;
	return letters[*random >> 26];
}

/* Whatever was cut off where, the content ends in a line of letters. */
static void
end_in_crlf(struct body *b)
{
	memcpy(b->octets + b->size - 6, "xxxx\r\n", 6);
}

bool
body_make(struct body *b, size_t size)
{
	size_t head = sizeof(header) - 1;
	uint32_t random = 12345;

	b->size = size;
	b->octets = size >= head + LINE ? malloc(size) : NULL;
	if (!b->octets)
		return false;
	memcpy(b->octets, header, head);
	for (size_t i = 0; i < size - head; i++)
		b->octets[head + i] =
		    text_octet(i / LINE, i % LINE, &random);
	end_in_crlf(b);
	return true;
}

void
body_id(char digits[BODY_ID_DIGITS], uint32_t id)
{
	for (size_t i = BODY_ID_DIGITS; i-- > 0; id /= 10)
		digits[i] = (char)('0' + id % 10);
}

/* Compare up to the next border between body and id; the octets compared,
 * 0 if they differ. */
static size_t
match_run(const struct body *b, const char *digits, size_t at, const char *p,
    size_t n)
{
	size_t id_end = BODY_ID_AT + BODY_ID_DIGITS;
	const char *want = b->octets + at;
	size_t run = n;

	if (at < BODY_ID_AT) {
		run = BODY_ID_AT - at;
	} else if (at < id_end) {
		run = id_end - at;
		want = digits + (at - BODY_ID_AT);
	}
	if (run > n)
		run = n;
	return memcmp(p, want, run) ? 0 : run;
}

bool
body_matches(const struct body *b, const char digits[BODY_ID_DIGITS],
    size_t at, const char *p, size_t n)
{
	if (at > b->size || n > b->size - at)
		return false;
	while (n) {
		size_t run = match_run(b, digits, at, p, n);

		if (!run)
			return false;
		at += run;
		p += run;
		n -= run;
	}
	return true;
}
