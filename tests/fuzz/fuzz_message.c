/* Fuzz target: header fields of any mail content lie inside it, one behind the
 * other, and unfold into the room there is. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "inspect/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_unfold(struct span body, size_t room)
{
	char *out = malloc(room ? room : 1);

	assert(out);
	assert(message_unfold(body, out, room) <= room);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span header = { (const char *)data, n };
	const char *from = header.p, *end = header.p + header.n;
	struct message_field f;

	while (message_next(&header, &f)) {
		assert(f.name.n && f.name.p >= from && f.body.p >= f.name.p);
		assert(f.body.p + f.body.n <= header.p);
		assert(header.p > from && header.p + header.n == end);
		from = header.p;
		check_unfold(f.body, n % 64);
		check_unfold(f.body, f.body.n);
	}
	assert(header.p >= from && header.p + header.n == end);
	return 0;
}
