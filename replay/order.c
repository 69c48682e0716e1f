#include "replay/order.h"

#include <inttypes.h>
#include <stdlib.h>

#include "replay/print.h"
#include "replay/walk.h"

#define TURNS_A_LINE 12

static const char front[] = "understood:";
static const char letters[TURN_KINDS] = { [TURN_CLIENT] = 'C',
	[TURN_SERVER] = 'S', [TURN_MARK] = '-' };

/* The next unit but for octets that come: they are no unit yet. */
static bool
next_unit(struct walk *w, struct walk_unit *u)
{
	while (walk_next(w, u))
		if (u->what != WALK_HEARD)
			return true;
	return false;
}

static bool
is_same(const struct walk_unit *a, const struct walk_unit *b)
{
	return a->what == b->what && a->side == b->side &&
	    a->octets == b->octets && a->ev.tile == b->ev.tile &&
	    a->ev.verb == b->ev.verb && a->ev.code == b->ev.code &&
	    a->ev.fact == b->ev.fact && a->ev.anomalies == b->ev.anomalies;
}

/* The engine alone tells the same units. */
static bool
goes_without_saying(const struct store_wire *wire)
{
	struct store_wire bare = *wire;
	struct walk_unit by_turns, by_itself;
	struct walk said, unsaid;
	bool same, more;

	bare.turns = (struct turns){ .ends = { 0 } };
	walk_open(&said, wire);
	walk_open(&unsaid, &bare);
	do {
		more = next_unit(&said, &by_turns);
		same = next_unit(&unsaid, &by_itself) == more &&
		    (!more || is_same(&by_turns, &by_itself));
	} while (more && same);
	walk_close(&said);
	walk_close(&unsaid);
	return same;
}

void
order_print(FILE *out, const struct store_wire *wire)
{
	size_t n = turns_count(&wire->turns);
	uint64_t ends[TURN_KINDS] = { 0 };

	if (n == 0 || goes_without_saying(wire))
		return;
	for (size_t i = 0; i < n; i++) {
		struct turn turn = turns_at(&wire->turns, i);
		uint64_t octets = turn.end - ends[turn.of];

		ends[turn.of] = turn.end;
		if (i % TURNS_A_LINE == 0)
			fprintf(out, "%s*** %s", i ? "\n" : "", front);
		fprintf(out, " %c", letters[turn.of]);
		if (turn.of != TURN_MARK || octets > 1)
			fprintf(out, "%" PRIu64, octets);
	}
	fputc('\n', out);
}

/* "C41", "-" */
static void
read_turn(struct span word, struct turns *to)
{
	const char *letter = memchr(letters, word.p[0], sizeof(letters));
	uint64_t n = word.n == 1;

	for (size_t i = 1; i < word.n; i++) {
		if (word.p[i] < '0' || word.p[i] > '9' ||
		    n > (INT64_MAX - 9) / 10)
			return;
		n = n * 10 + (uint64_t)(word.p[i] - '0');
	}
	if (letter)
		turns_add(to, (enum turn_of)(letter - letters), n);
}

bool
order_read(struct span text, struct turns *to)
{
	if (!span_starts(text, front))
		return false;
	text = span_trim(span_from(text, strlen(front)));
	for (; text.n; text = span_trim(text))
		read_turn(span_word(&text), to);
	if (to->list.failed)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	return true;
}
