/* Fuzz target: a client and a server that keep to the protocol, any policy between
 * them; they stay in step, and what each receives does not depend on how the
 * bytes were cut. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/duel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
show(const struct duel_outcome *o)
{
	(void)fprintf(stderr, "the client has received:\n%.*s\n"
	    "the server has received:\n%.*s\n",
	    (int)o->n[SMTP_CLIENT], o->out[SMTP_CLIENT],
	    (int)o->n[SMTP_SERVER], o->out[SMTP_SERVER]);
}

static void
give_up(const char *finding)
{
	(void)fprintf(stderr, "%s\n", finding);
	abort();
}

static bool
alike(const struct duel_outcome *a, const struct duel_outcome *b, int side)
{
	size_t n = a->n[side] < b->n[side] ? a->n[side] : b->n[side];
	bool same = memcmp(a->out[side], b->out[side], n) == 0;

	return same && (a->n[side] == b->n[side] ||
	    (side == SMTP_SERVER && a->ended && b->ended));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct duel_outcome whole, pieces;
	struct duel_input in = { data, n };
	struct policy policy;

	duel_policy(&in, &policy);
	duel_play(in, &policy, 0, &whole);
	if (whole.finding) {
		show(&whole);
		give_up(whole.finding);
	}
	duel_play(in, &policy, 1 + n % 7, &pieces);
	if (pieces.finding) {
		show(&pieces);
		give_up(pieces.finding);
	}
	for (int i = 0; i < 2 && !whole.doubted && !pieces.doubted; i++)
		if (!alike(&whole, &pieces, i)) {
			show(&whole);
			show(&pieces);
			give_up("other bytes when cut in another way");
		}
	return 0;
}
