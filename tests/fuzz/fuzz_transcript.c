/* Fuzz target: any octets escaped as a transcript's lines and parsed back are
 * the same octets; any text parsed stays inside its room and is used up. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/transcript.h"

#define ROOM_MIN	8	/* what transcript_escape() wants at least */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A whole line of text for the octets: mark, escaped octets, "\c". */
static struct span
write_line(struct span octets, size_t room, char *text)
{
	size_t n = 4;
	bool front = true;

	memcpy(text, " -> ", 4);
	while (octets.n) {
		size_t before = octets.n, wrote;

		wrote = transcript_escape(&octets, front, text + n, room);
		assert(wrote <= room && octets.n < before);
		n += wrote;
		front = false;
	}
	memcpy(text + n, "\\c\n", 3);
	return (struct span){ text, n + 3 };
}

static void
round_trip(struct span octets, size_t room)
{
	char *text = malloc(4 * octets.n + room + 8), *out;
	struct transcript_line got = { .more = false };
	struct span line = write_line(octets, room, text);

	out = malloc(line.n + 2);
	assert(text && out);
	transcript_parse(&line, out, &got);
	assert(got.what == TRANSCRIPT_BYTES && got.side == SMTP_CLIENT);
	assert(!got.more && line.n == 0 && got.bytes.n == octets.n);
	assert(octets.n == 0 || !memcmp(got.bytes.p, octets.p, octets.n));
	free(out);
	free(text);
}

/* Hostile text: every call goes on, nothing is written beyond the room. */
static void
parse_all(struct span text)
{
	struct transcript_line got = { .more = false };

	while (text.n || got.more) {
		size_t before = text.n;
		char *out = malloc(text.n + 2);

		assert(out);
		transcript_parse(&text, out, &got);
		assert(text.n < before || !got.more);
		assert(got.what != TRANSCRIPT_BYTES || got.bytes.n == 0 ||
		    (got.bytes.p >= out && got.bytes.n <= before + 2));
		free(out);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span octets = { (const char *)data, n };

	round_trip(octets, ROOM_MIN);
	round_trip(octets, ROOM_MIN + n % 100);
	if (n)
		parse_all(octets);
	return 0;
}
