/* arena: memory that is freed all at once. One thread at a time. */
#ifndef PROXY_ARENA_H
#define PROXY_ARENA_H

#include "inspect/span.h"

struct arena_block;

/* Zero-initialised is empty. */
struct arena {
	struct arena_block *blocks;	/* private */
	bool failed;			/* memory was out once */
};

/* Zeroed octets, aligned for any type. NULL: out of memory, or n is 0. */
void *arena_take(struct arena *, size_t n);

/* A copy, with a NUL behind it. An empty one if memory is out. */
struct span arena_copy(struct arena *, struct span);

void arena_free(struct arena *);

#endif
