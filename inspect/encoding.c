#include "inspect/encoding.h"

#include "inspect/smtp.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const struct {
	const char *name;
	enum encoding_kind kind;
} names[] = {
	{ "base64",		ENCODING_BASE64 },
	{ "quoted-printable",	ENCODING_QUOTED },
	{ "x-uuencode",		ENCODING_UU },
	{ "uuencode",		ENCODING_UU },
	{ "x-uue",		ENCODING_UU },
};

enum encoding_kind
encoding_kind(struct span name)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_is(name, names[i].name))
			return names[i].kind;
	return ENCODING_NONE;
}

unsigned
encoding_line_max(enum encoding_kind kind)
{
	return kind == ENCODING_BASE64 || kind == ENCODING_QUOTED ? 76 : 0;
}

static bool
is_base64(char c)
{
	unsigned char lower = span_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '/' && c <= '9') ||
	    c == '+';
}

#define BLOCK 64	/* octets looked at together */

#ifdef __SSE2__
/* lo..hi, both ASCII, as all ones: moved up so that hi is the greatest. */
static inline __m128i
between(__m128i v, char lo, char hi)
{
	v = _mm_add_epi8(v, _mm_set1_epi8((char)(127 - hi)));
	return _mm_cmpgt_epi8(v, _mm_set1_epi8((char)(126 - hi + lo)));
}

static inline __m128i
equal(__m128i v, char c)
{
	return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}

static inline __m128i
folded(__m128i v)
{
	return _mm_or_si128(v, _mm_set1_epi8(0x20));
}

static inline __m128i
load(const char *p)
{
	return _mm_loadu_si128((const void *)p);
}

/* As bits, from the at-th of a block on; bit 0 is its first octet. */
static inline uint64_t
bits(__m128i hits, int at)
{
	return (uint64_t)(unsigned)_mm_movemask_epi8(hits) << at;
}

/* Which octets of a block are line ends; *fine: all others are base64. */
static inline uint64_t
base64_look(const char *p, bool *fine)
{
	__m128i all = _mm_set1_epi8(-1);
	uint64_t ends = 0;

	for (int at = 0; at < BLOCK; at += 16) {
		__m128i v = load(p + at);
		__m128i end = _mm_or_si128(equal(v, '\r'), equal(v, '\n'));
		__m128i digit = _mm_or_si128(between(folded(v), 'a', 'z'),
		    _mm_or_si128(between(v, '/', '9'), equal(v, '+')));

		ends |= bits(end, at);
		all = _mm_and_si128(all, _mm_or_si128(end, digit));
	}
	*fine = bits(all, 0) == 0xffff;
	return ends;
}

/* Pass whole blocks of digits in lines. The scan by octets is the truth and does
 * the rest; this gives the same for what it passes. */
static size_t
base64_blocks(struct encoding *e, struct span s)
{
	size_t n = 0;

	for (; n + BLOCK <= s.n && !e->padded; n += BLOCK) {
		bool fine;
		uint64_t ends = base64_look(s.p + n, &fine);

		if (!fine)
			break;
		for (; ends; ends &= ends - 1)
			e->octets--;
	}
	e->octets &= 3;
	return n;
}
#else
static size_t
base64_blocks(struct encoding *e, struct span s)
{
	(void)e, (void)s;
	return 0;
}
#endif

/* An octet of base64; false: it may not stand there. */
static bool
base64_octet(struct encoding *e, char c)
{
	bool early = e->octets < 2;

	if (is_base64(c)) {
		e->octets = (e->octets + 1) & 3;
		return !e->padded;
	}
	if (c == '=') {
		e->octets = (e->octets + 1) & 3;
		e->padded = true;
		return !early;
	}
	return c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

/* What may follow within "=XX" or "=" at the end of a line. */
enum { QUOTED_TEXT, QUOTED_ESCAPE, QUOTED_DIGIT, QUOTED_BREAK };

static bool
is_hex(char c)
{
	unsigned char lower = span_lower(c);

	return (lower >= 'a' && lower <= 'f') || (c >= '0' && c <= '9');
}

/* An octet behind "="; false: it may not stand there. */
static bool
quoted_next(struct encoding *e, char c)
{
	if (e->state == QUOTED_DIGIT) {
		e->state = QUOTED_TEXT;
		return is_hex(c);
	}
	if (e->state == QUOTED_ESCAPE && is_hex(c)) {
		e->state = QUOTED_DIGIT;
		return true;
	}
	e->state = c == '\n' ? QUOTED_TEXT : QUOTED_BREAK;
	if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
		return true;
	e->state = QUOTED_TEXT;
	return false;
}

#ifdef __SSE2__
/* Which octets of a block are that one. */
static inline uint64_t
look_for(const char *p, char c)
{
	uint64_t found = 0;

	for (int at = 0; at < BLOCK; at += 16)
		found |= bits(equal(load(p + at), c), at);
	return found;
}

static inline uint64_t
look_for_hex(const char *p)
{
	uint64_t found = 0;

	for (int at = 0; at < BLOCK; at += 16) {
		__m128i v = load(p + at);

		found |= bits(_mm_or_si128(between(folded(v), 'a', 'f'),
		    between(v, '0', '9')), at);
	}
	return found;
}

/* A CRLF begins at each of these octets of a block. */
static bool
all_breaks(const char *p, uint64_t at)
{
	for (; at; at &= at - 1) {
		int i = __builtin_ctzll(at);

		if (p[i] != '\r' || (i < BLOCK - 1 && p[i + 1] != '\n'))
			return false;
	}
	return true;
}

/* Pass whole blocks in which every "=" has its two digits or its CRLF. */
static size_t
quoted_blocks(struct encoding *e, struct span s)
{
	size_t n = 0;

	for (; n + BLOCK <= s.n; n += BLOCK) {
		const char *p = s.p + n;
		uint64_t escape = look_for(p, '='), hex, first, second;

		if (escape == 0 && e->state == QUOTED_TEXT)
			continue;
		hex = look_for_hex(p);
		first = escape << 1 | (e->state == QUOTED_ESCAPE);
		second = (first & hex) << 1 | (e->state == QUOTED_DIGIT);
		if (second & ~hex || !all_breaks(p, first & ~hex) ||
		    (e->state == QUOTED_BREAK && p[0] != '\n'))
			break;
		e->state = escape >> 63 ? QUOTED_ESCAPE : first >> 63 == 0 ?
		    QUOTED_TEXT : hex >> 63 ? QUOTED_DIGIT : QUOTED_BREAK;
	}
	return n;
}
#else
static size_t
quoted_blocks(struct encoding *e, struct span s)
{
	(void)e, (void)s;
	return 0;
}
#endif

/* An octet of quoted-printable; false: it may not stand there. */
static bool
quoted_octet(struct encoding *e, char c)
{
	if (e->state != QUOTED_TEXT)
		return quoted_next(e, c);
	if (c == '=')
		e->state = QUOTED_ESCAPE;
	return true;
}

/* A line of a uuencoded body. SEEK: it may be "begin 644 name"; the number of
 * octets known to be is the column while they are. */
enum { UU_SEEK, UU_OTHER, UU_BEGIN, UU_DATA, UU_LINE, UU_LAST };

static const char uu_begin[] = "begin ";

static void
uu_seek(struct encoding *e, char c)
{
	if (c != uu_begin[e->column])
		e->state = UU_OTHER;
	else if (++e->column == sizeof uu_begin - 1)
		e->state = UU_BEGIN;
}

/* The octet that says how many a line stands for. */
static bool
uu_length(struct encoding *e, char c)
{
	e->column = 0;
	if (c == 'e') {		/* "end" */
		e->state = UU_LAST;
		return true;
	}
	e->state = UU_LINE;
	e->due = ((unsigned)((c - ' ') & 63) + 2) / 3 * 4;
	return c >= ' ' && c <= '`';
}

static bool
uu_line_end(struct encoding *e)
{
	/* One more: some encoders add a checksum. */
	bool good = e->state != UU_LINE || e->column == e->due ||
	    e->column == e->due + 1;

	e->state = e->state == UU_SEEK || e->state == UU_OTHER ||
	    e->state == UU_LAST ? UU_SEEK : UU_DATA;
	e->column = 0;
	return good;
}

static bool
uu_in_line(struct encoding *e, char c)
{
	switch (e->state) {
	case UU_SEEK:
		uu_seek(e, c);
		return true;
	case UU_DATA:
		return uu_length(e, c);
	case UU_LINE:
		e->column++;
		return c >= ' ' && c <= '`';
	default:
		return true;
	}
}

/* An octet of a uuencoded body; false: it may not stand there. */
static bool
uu_octet(struct encoding *e, char c)
{
	if (c == '\n')
		return uu_line_end(e);
	return c == '\r' || uu_in_line(e, c);
}

static size_t
no_blocks(struct encoding *e, struct span s)
{
	(void)e;
	(void)s;
	return 0;
}

/* How a body is read: in blocks where all is well, else by octets. */
static const struct {
	size_t (*blocks)(struct encoding *, struct span);
	bool (*octet)(struct encoding *, char);
	uint64_t odd;
} readers[] = {
	[ENCODING_BASE64] = { base64_blocks, base64_octet,
	    SMTP_ODD(INVALID_BASE64) },
	[ENCODING_QUOTED] = { quoted_blocks, quoted_octet,
	    SMTP_ODD(INVALID_QUOTED) },
	[ENCODING_UU] = { no_blocks, uu_octet, SMTP_ODD(INVALID_UUENCODE) },
};

uint64_t
encoding_read(struct encoding *e, struct span s)
{
	bool good = true;

	if (e->kind == ENCODING_NONE)
		return 0;
	while (s.n) {
		size_t n = readers[e->kind].blocks(e, s);

		s = span_from(s, n);
		/* What it stumbled over. */
		for (n = 0; n < s.n && n < BLOCK; n++)
			good &= readers[e->kind].octet(e, s.p[n]);
		s = span_from(s, n);
	}
	return good ? 0 : readers[e->kind].odd;
}

uint64_t
encoding_end(const struct encoding *e)
{
	bool within = (e->kind == ENCODING_BASE64 && e->octets) ||
	    (e->kind == ENCODING_QUOTED && e->state == QUOTED_DIGIT) ||
	    (e->kind == ENCODING_UU &&
	    (e->state == UU_DATA || e->state == UU_LINE));

	return within ? readers[e->kind].odd : 0;
}
