#include "record/turns.h"

size_t
turns_count(const struct turns *t)
{
	return t->list.n / sizeof(struct turn);
}

struct turn
turns_at(const struct turns *t, size_t i)
{
	return ((const struct turn *)(const void *)t->list.p)[i];
}

void
turns_add(struct turns *t, enum turn_of of, uint64_t n)
{
	struct turn turn = { .of = of };
	size_t last = turns_count(t);

	if (n == 0 || n > UINT64_MAX - t->ends[of])
		return;
	turn.end = t->ends[of] += n;
	if (last && turns_at(t, last - 1).of == of)
		t->list.n -= sizeof(turn);
	text_put(&t->list, &turn, sizeof(turn));
}

void
turns_free(struct turns *t)
{
	text_free(&t->list);
}

void
turns_begin(struct turns_order *o, const struct turns *t)
{
	*o = (struct turns_order){ .turns = t };
}

static bool
is_over(const struct turns_order *o)
{
	return o->at == turns_count(o->turns);
}

/* Past the turns that are done with. */
static void
advance(struct turns_order *o)
{
	for (; !is_over(o); o->at++) {
		struct turn turn = turns_at(o->turns, o->at);

		if (o->done[turn.of] < turn.end)
			break;
	}
}

bool
turns_let(const struct turns_order *o, enum smtp_side side)
{
	return o->free || is_over(o) ||
	    turns_at(o->turns, o->at).of == (enum turn_of)side;
}

void
turns_done(struct turns_order *o, enum smtp_side side, uint64_t octets)
{
	o->done[side] += octets;
	advance(o);
}

bool
turns_mark(struct turns_order *o)
{
	while (!is_over(o) && turns_at(o->turns, o->at).of != TURN_MARK) {
		if (!o->free) {
			o->free = true;
			return false;
		}
		o->at++;
	}
	o->free = false;
	o->done[TURN_MARK]++;
	advance(o);
	return true;
}

void
turns_end(struct turns_order *o)
{
	o->at = turns_count(o->turns);
}
