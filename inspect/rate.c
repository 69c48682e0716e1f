#include "inspect/rate.h"

#include <string.h>

#define PROBES		8	/* places a key may be in, side by side */
#define TIME_BITS	44	/* of a slot: us, 200 days; above it the tag */
#define TIME_MASK	((UINT64_C(1) << TIME_BITS) - 1)
#define SPAN_MAX	((double)(UINT64_C(1) << (TIME_BITS - 3)))

/* A slot is a tag of its key and the time at which the next one would be due if
 * they came evenly. Where that is not ahead of now, there is nothing to remember. */

/* Spreads every bit over all; one-to-one (splitmix64). */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* us that a slot's time is ahead of now; the clock of the slot turns over. */
static int64_t
ahead(uint64_t slot, uint64_t now)
{
	uint64_t distance = (slot - now) & TIME_MASK;

	if (distance >> (TIME_BITS - 1))
		return (int64_t)distance - (int64_t)(TIME_MASK + 1);
	return (int64_t)distance;
}

static bool
is_free(uint64_t slot, uint64_t now)
{
	return slot == 0 || ahead(slot, now) <= 0;
}

/* The slot of this tag, or a free one, or NULL; *seen is what is in it. */
static _Atomic uint64_t *
find(struct rate_table *t, uint64_t hash, uint64_t now, uint64_t *seen)
{
	_Atomic uint64_t *free_one = NULL;

	for (uint64_t i = 0; i < PROBES; i++) {
		_Atomic uint64_t *slot = &t->slots[(hash + i) % RATE_SLOTS];
		uint64_t value = atomic_load_explicit(slot,
		    memory_order_relaxed);
		bool is = is_free(value, now);

		if (!is && (value ^ hash) >> TIME_BITS == 0) {
			*seen = value;
			return slot;
		}
		if (is && !free_one) {
			free_one = slot;
			*seen = value;
		}
	}
	return free_one;
}

static double
at_most(double us)
{
	return us < SPAN_MAX ? us : SPAN_MAX;
}

bool
rate_allows(struct rate_table *t, uint64_t key, double rate, double burst,
    int64_t now_us)
{
	uint64_t hash = mix(key ^ t->seed), now = (uint64_t)now_us & TIME_MASK;
	double step = at_most(1e6 / rate);
	double credit = burst > 1 ? at_most((burst - 1) * step) : 0;

	if (!(rate > 0))
		return false;
	for (;;) {
		uint64_t seen = 0, next;
		_Atomic uint64_t *slot = find(t, hash, now, &seen);
		int64_t early;

		if (!slot)
			return true;
		early = is_free(seen, now) ? 0 : ahead(seen, now);
		/* Further than this rate can get: left by another, before the
		 * rules changed. */
		if ((double)early > credit + step + 1)
			early = 0;
		if ((double)early > credit)
			return false;
		next = (hash & ~TIME_MASK) |
		    ((now + (uint64_t)early + (uint64_t)(step + .5)) & TIME_MASK);
		/* Weak: who comes second looks again. */
		if (atomic_compare_exchange_weak_explicit(slot, &seen, next,
		    memory_order_relaxed, memory_order_relaxed))
			return true;
	}
}

/* IPv4 keys are networks of ::/16, which no client has (RFC 4291 2.5.5.2). */
uint64_t
rate_key(unsigned long rule, const unsigned char address[16])
{
	static const unsigned char v4[12] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
	};
	bool is_v4 = memcmp(address, v4, sizeof(v4)) == 0;
	uint64_t network = 0;

	for (size_t i = is_v4 ? 10 : 0; i < (is_v4 ? 15 : 8); i++)
		network = network << 8 | address[i];
	return mix(network) ^ mix(rule + 1);
}
