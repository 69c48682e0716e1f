#include "inspect/lines.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK 64	/* octets looked at together */

/* The LF at the end of the line under way is octet i of in, whose line began at
 * octet from, or before in if that is 0. */
static void
end_line(struct lines *l, struct span in, size_t from, size_t i)
{
	uint64_t octets = l->octets + (i + 1 - from);

	l->crlf = i ? in.p[i - 1] == '\r' : l->cr;
	octets -= 1 + (uint64_t)l->crlf;
	if (octets > l->length)
		l->length = octets;
	l->octets = 0;
	l->cr = false;
}

/* What is left of in, from that octet on, ends no line. */
static void
go_on(struct lines *l, struct span in, size_t from)
{
	uint64_t length;

	if (from == in.n)
		return;
	l->octets += in.n - from;
	l->cr = in.p[in.n - 1] == '\r';
	length = l->octets - l->cr;
	if (length > l->length)
		l->length = length;
}

size_t
lines_one(struct lines *l, struct span in, size_t max, bool *ends)
{
	size_t n;

	if (in.n > max)
		in.n = max;
	n = span_line(in);
	*ends = n != 0;
	l->length = 0;
	if (n)
		end_line(l, in, 0, n - 1);
	else
		go_on(l, in, 0);
	return n ? n : in.n;
}

/* Which of a block's octets are LF, as bits; bit 0 is the first. */
#ifdef __SSE2__
static inline uint64_t
line_ends(const char *p)
{
	const __m128i lf = _mm_set1_epi8('\n');
	uint64_t bits = 0;

	for (int at = 0; at < BLOCK; at += 16) {
		__m128i v = _mm_loadu_si128((const void *)(p + at));

		bits |= (uint64_t)(unsigned)_mm_movemask_epi8(
		    _mm_cmpeq_epi8(v, lf)) << at;
	}
	return bits;
}
#else
static inline uint64_t
line_ends(const char *p)
{
	uint64_t bits = 0;

	for (int at = 0; at < BLOCK; at++)
		bits |= (uint64_t)(p[at] == '\n') << at;
	return bits;
}
#endif

static bool
stops(const struct lines *l, struct lines_stop stop, char c)
{
	return (stop.dash && c == '-') || (stop.dot && c == '.' && l->crlf);
}

size_t
lines_run(struct lines *l, struct span in, struct lines_stop stop, bool *ends)
{
	size_t from = 0, block = 0;

	l->length = 0;
	*ends = true;
	while (block < in.n) {
		char last[BLOCK];
		const char *p = in.p + block;
		uint64_t bits;

		if (in.n - block < BLOCK) {
			memset(last, 0, sizeof last);
			p = memcpy(last, p, in.n - block);
		}
		for (bits = line_ends(p); bits; bits &= bits - 1) {
			size_t i = block + (size_t)__builtin_ctzll(bits);

			end_line(l, in, from, i);
			from = i + 1;
			if (from < in.n && stops(l, stop, in.p[from]))
				return from;
		}
		block += BLOCK;
	}
	go_on(l, in, from);
	*ends = from == in.n;
	return in.n;
}
