/* buffer: a run of bytes on the heap that exists only while it holds some.
 *
 * Zero-initialised is empty and owns no memory; emptied, it owns none again.
 * Bytes go in at the end and come off the front. The caller keeps the bound:
 * a buffer grows to what is put in. One thread. */
#ifndef PROXY_BUFFER_H
#define PROXY_BUFFER_H

#include "inspect/span.h"

struct buffer {
	char *memory;
	size_t at, n, room;	/* octets: first kept, kept, allocated */
};

/* Append a copy. False: out of memory, and nothing was appended. */
bool buffer_put(struct buffer *, struct span bytes);

/* Take n octets off the front; n is at most what is kept. */
void buffer_drop(struct buffer *, size_t n);

void buffer_free(struct buffer *);

/* What is kept; good until the next put or drop. */
static inline struct span
buffer_all(const struct buffer *b)
{
	return (struct span){ b->n ? b->memory + b->at : "", b->n };
}

#endif
