/* Fuzz target: any octets read as a wire log give frames inside the log, and
 * frames written again are read as the same frames. */
#include <assert.h>
#include <string.h>

#include "record/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
inside(struct span part, struct span whole)
{
	return part.n == 0 || (part.p >= whole.p && part.n <= whole.n &&
	    (size_t)(part.p - whole.p) <= whole.n - part.n);
}

static void
check_same(const struct wire_frame *a, const struct wire_frame *b)
{
	assert(a->kind == b->kind && a->side == b->side);
	assert(a->t_us == b->t_us && a->octets == b->octets);
	assert(a->bytes.n == b->bytes.n && (a->bytes.n == 0 ||
	    !memcmp(a->bytes.p, b->bytes.p, a->bytes.n)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span whole = { (const char *)data, n }, log = whole, again;
	struct text copy = { .n = 0 };
	struct wire_frame frame, same;
	int64_t read_us = 0, put_us = 0, again_us = 0;
	size_t left = log.n;

	while (wire_get(&log, &frame, &read_us)) {
		assert(log.n < left);
		left = log.n;
		assert(frame.kind < WIRE_KINDS && inside(frame.bytes, whole));
		text_clear(&copy);
		wire_put(&copy, &frame, &put_us);
		assert(!copy.failed);
		again = text_all(&copy);
		assert(wire_get(&again, &same, &again_us) && again.n == 0);
		check_same(&frame, &same);
	}
	assert(log.n == left);
	text_free(&copy);
	return 0;
}
