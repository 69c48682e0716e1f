#include "tests/unit/wires.h"

#include <stdlib.h>

#define SEGMENTS_MAX	12
#define FRAMES_MAX	5	/* of one segment */

static size_t
below(unsigned *seed, size_t n)
{
	return (size_t)rand_r(seed) % n;
}

/* Octets that a line, a segment or an escape could end in. */
static void
put_octets(struct store_wire *w, struct store_segment *seg, unsigned *seed)
{
	static const char *const pieces[] = { "\r\n", "\n", "\r", "250-x\r\n",
	    "250 x\r\n", " ", "\\", "[3 bytes]", "\\c", "\t", "a", "***",
	    "DATA\r\n", ".\r\n", "\x80", "\\{+0.1}", "=>  ", "220 x\r\n",
	    "354 x\r\n", "BDAT 3 LAST\r\n", "MAIL FROM:<a>\r\n" };
	size_t n = 1 + below(seed, 4);

	while (n--)
		text_str(&w->memory, pieces[below(seed, sizeof(pieces) /
		    sizeof(*pieces))]);
	seg->bytes.n = w->memory.n;	/* its end, until all is there */
}

static enum wire_kind
any_of(unsigned *seed, bool any_kind)
{
	static const enum wire_kind kinds[] = { WIRE_BYTES, WIRE_BYTES,
	    WIRE_WITHHELD, WIRE_MADE, WIRE_OWN, WIRE_REDACTED,
	    WIRE_WITHHELD_REDACTED, WIRE_GAP, WIRE_FIN, WIRE_RESET };

	return kinds[below(seed, any_kind ? sizeof(kinds) / sizeof(*kinds) :
	    5)];
}

static bool
has_bytes(enum wire_kind kind)
{
	return kind != WIRE_GAP && kind != WIRE_FIN && kind != WIRE_RESET;
}

static void
put_segment(struct store_wire *w, enum smtp_side side, int64_t t_us,
    unsigned *seed, bool any_kind)
{
	size_t n = 1 + below(seed, FRAMES_MAX);
	enum wire_kind last = WIRE_KINDS;

	for (size_t i = 0; i < n; i++) {
		enum wire_kind kind = any_of(seed, any_kind);
		struct store_segment *seg = &w->segments[w->n];

		if (kind == last)	/* they would be one */
			continue;
		*seg = (struct store_segment){ .kind = kind, .side = side,
		    .same_segment = last != WIRE_KINDS && kind != WIRE_FIN &&
			kind != WIRE_RESET && last != WIRE_FIN &&
			last != WIRE_RESET, .t_us = t_us };
		if (has_bytes(kind))
			put_octets(w, seg, seed);
		else
			seg->bytes.n = w->memory.n;
		last = kind;
		w->n++;
	}
}

/* That side comes to TLS. */
static void
put_secured(struct store_wire *w, enum smtp_side side, int64_t t_us)
{
	struct store_segment *seg = &w->segments[w->n++];

	*seg = (struct store_segment){ .kind = WIRE_SECURED, .side = side,
	    .t_us = t_us };
	text_str(&w->memory, "TLSv1.3 X, sni a.b, 1.234 ms, verified: ok");
	seg->bytes.n = w->memory.n;
}

void
wires_make(struct store_wire *w, unsigned seed, bool any_kind)
{
	size_t from = 0, n = 1 + below(&seed, SEGMENTS_MAX);
	int64_t t_us = 0;

	*w = (struct store_wire){ .segments = calloc(
	    SEGMENTS_MAX * FRAMES_MAX, sizeof(*w->segments)) };
	if (!w->segments)
		abort();
	for (size_t i = 0; i < n; i++) {
		enum smtp_side side = below(&seed, 2) ? SMTP_CLIENT :
		    SMTP_SERVER;

		t_us += 1 + (int64_t)below(&seed, 3000);
		if (below(&seed, 8) == 0)
			put_secured(w, side, t_us);
		else
			put_segment(w, side, t_us, &seed, any_kind);
	}
	for (size_t i = 0; i < w->n; i++) {
		size_t to = w->segments[i].bytes.n;

		w->segments[i].bytes = (struct span){ w->memory.p + from,
		    to - from };
		w->segments[i].octets = to - from;
		from = to;
	}
}
