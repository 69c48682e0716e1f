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

/* Whether "-" is behind LF anywhere in a block and the octet behind it. */
#ifdef __SSE2__
static inline bool
dash_line(const char *p)
{
	const __m128i lf = _mm_set1_epi8('\n'), dash = _mm_set1_epi8('-');
	__m128i found = _mm_setzero_si128();

	for (int at = 0; at < BLOCK; at += 16) {
		__m128i v = _mm_loadu_si128((const void *)(p + at));
		__m128i next = _mm_loadu_si128((const void *)(p + at + 1));

		found = _mm_or_si128(found, _mm_and_si128(
		    _mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(next, dash)));
	}
	return _mm_movemask_epi8(found);
}
#else
static inline bool
dash_line(const char *p)
{
	return memchr(p, '\n', BLOCK);
}
#endif

size_t
lines_skim(struct span in)
{
	/* Base64 has no "-": that is most of what large messages are. */
	const char *dash = in.n ? memchr(in.p, '-', in.n) : NULL;
	size_t i = dash ? (size_t)(dash - in.p) : in.n;

	if (i > 0)
		i--;
	while (i + 1 < in.n) {
		size_t stop = i + BLOCK < in.n ? i + BLOCK : in.n - 1;

		if (stop == i + BLOCK && !dash_line(in.p + i))
			i = stop;
		for (; i < stop; i++)
			if (in.p[i] == '\n' && in.p[i + 1] == '-')
				return i + 1;
	}
	return in.n;
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
