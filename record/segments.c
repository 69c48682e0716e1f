#include "record/segments.h"

#include <stdbool.h>
#include <stdlib.h>

void
segments_free(struct segments *s)
{
	free(s->ring);
	*s = (struct segments){ 0 };
}

static bool
make_room(struct segments *s)
{
	unsigned room = s->room ? s->room * 2 : 4;
	struct segment *ring;

	if (s->n < s->room)
		return true;
	ring = calloc(room, sizeof *ring);
	if (ring == NULL)
		return false;
	for (unsigned i = 0; i < s->n; i++)
		ring[i] = s->ring[(s->oldest + i) % s->room];
	free(s->ring);
	s->ring = ring;
	s->room = room;
	s->oldest = 0;
	return true;
}

void
segments_put(struct segments *s, int64_t t_us, size_t octets)
{
	struct segment *last;

	if (octets == 0)
		return;
	if (make_room(s)) {
		last = &s->ring[(s->oldest + s->n++) % s->room];
		*last = (struct segment){ t_us, octets };
	} else if (s->n) {
		last = &s->ring[(s->oldest + s->n - 1) % s->room];
		last->left += octets;
	}
}

size_t
segments_take(struct segments *s, size_t octets, int64_t *t_us)
{
	struct segment *first;
	size_t n;

	if (s->n == 0)
		return octets;
	first = &s->ring[s->oldest];
	*t_us = first->t_us;
	n = octets < first->left ? octets : first->left;
	first->left -= n;
	if (first->left == 0) {
		s->oldest = (s->oldest + 1) % s->room;
		s->n--;
	}
	return n;
}

int64_t
segments_when(const struct segments *s, size_t behind, int64_t t_us)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct segment *one = &s->ring[(s->oldest + i) % s->room];

		t_us = one->t_us;
		if (behind < one->left)
			break;
		behind -= one->left;
	}
	return t_us;
}
