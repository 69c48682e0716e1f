#include "proxy/buffer.h"

#include <assert.h>
#include <stdlib.h>

#define BUFFER_MIN 256	/* octets of the first allocation */

static size_t
room_for(const struct buffer *b, size_t n)
{
	size_t room = b->room ? b->room : BUFFER_MIN;

	while (room < b->n + n)
		room *= 2;
	return room;
}

/* The front is closed up first: bytes that were dropped are room, too. */
bool
buffer_put(struct buffer *b, struct span bytes)
{
	if (bytes.n == 0)
		return true;
	if (b->at) {
		memmove(b->memory, b->memory + b->at, b->n);
		b->at = 0;
	}
	if (b->n + bytes.n > b->room) {
		size_t room = room_for(b, bytes.n);
		char *p = realloc(b->memory, room);

		if (p == NULL)
			return false;
		b->memory = p;
		b->room = room;
	}
	memcpy(b->memory + b->n, bytes.p, bytes.n);
	b->n += bytes.n;
	return true;
}

void
buffer_drop(struct buffer *b, size_t n)
{
	assert(n <= b->n);
	b->at += n;
	b->n -= n;
	if (b->n == 0)
		buffer_free(b);
}

void
buffer_free(struct buffer *b)
{
	free(b->memory);
	*b = (struct buffer){ 0 };
}
