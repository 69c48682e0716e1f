#include "proxy/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_SIZE 16384

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) char octets[];
};

static struct arena_block *
add_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_SIZE ? n : BLOCK_SIZE;
	struct arena_block *b = calloc(1, sizeof(*b) + size);

	if (b == NULL) {
		a->failed = true;
		return NULL;
	}
	b->next = a->blocks;
	b->size = size;
	return a->blocks = b;
}

void *
arena_take(struct arena *a, size_t n)
{
	const size_t unit = alignof(max_align_t);
	struct arena_block *b = a->blocks;
	void *p;

	if (n == 0)
		return NULL;
	n = (n + unit - 1) / unit * unit;
	if (b == NULL || n > b->size - b->used)
		b = add_block(a, n);
	if (b == NULL)
		return NULL;
	p = b->octets + b->used;
	b->used += n;
	return p;
}

struct span
arena_copy(struct arena *a, struct span s)
{
	char *p = arena_take(a, s.n + 1);

	if (p == NULL)
		return SPAN("");
	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct span){ p, s.n };
}

void
arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
}
