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

#ifdef __SSE2__
/* lo..hi, both ASCII, as all ones. */
static inline __m128i
between(__m128i v, char lo, char hi)
{
	return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(lo - 1))),
	    _mm_cmplt_epi8(v, _mm_set1_epi8((char)(hi + 1))));
}

/* Which of 16 octets are not of the alphabet, as bits; bit 0 is the first. */
static inline unsigned
not_base64(const char *p)
{
	__m128i v = _mm_loadu_si128((const void *)p);
	__m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
	__m128i good = _mm_or_si128(between(lower, 'a', 'z'),
	    _mm_or_si128(between(v, '/', '9'),
	    _mm_cmpeq_epi8(v, _mm_set1_epi8('+'))));

	return (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
}

/* How many octets at the front are of the alphabet. The last block lies over
 * the one before. */
static size_t
base64_run(struct span s)
{
	size_t n = 0;
	unsigned bad;

	for (; n + 16 <= s.n; n += 16)
		if ((bad = not_base64(s.p + n)) != 0)
			return n + (size_t)__builtin_ctz(bad);
	if (n && n < s.n) {
		bad = not_base64(s.p + s.n - 16) >> (16 - (s.n - n));
		return bad ? n + (size_t)__builtin_ctz(bad) : s.n;
	}
	while (n < s.n && is_base64(s.p[n]))
		n++;
	return n;
}
#else
static size_t
base64_run(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_base64(s.p[n]))
		n++;
	return n;
}
#endif

static uint64_t
base64_read(struct encoding *e, struct span s)
{
	uint64_t odd = 0;

	while (s.n) {
		size_t n = base64_run(s);
		char c;

		if (n && e->padded)
			odd = SMTP_ODD(INVALID_BASE64);
		e->octets = (e->octets + n) & 3;
		if (n == s.n)
			break;
		c = s.p[n];
		if (c == '=') {
			if (e->octets < 2)
				odd = SMTP_ODD(INVALID_BASE64);
			e->octets = (e->octets + 1) & 3;
			e->padded = true;
		} else if (c != '\r' && c != '\n' && c != ' ' && c != '\t') {
			odd = SMTP_ODD(INVALID_BASE64);
		}
		s = span_from(s, n + 1);
	}
	return odd;
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

static uint64_t
quoted_read(struct encoding *e, struct span s)
{
	uint64_t odd = 0;

	while (s.n) {
		const char *escape = s.p;

		if (e->state != QUOTED_TEXT) {
			if (!quoted_next(e, s.p[0]))
				odd = SMTP_ODD(INVALID_QUOTED);
			s = span_from(s, 1);
			continue;
		}
		if (s.p[0] != '=')
			escape = memchr(s.p, '=', s.n);
		if (escape == NULL)
			break;
		e->state = QUOTED_ESCAPE;
		s = span_from(s, (size_t)(escape - s.p) + 1);
	}
	return odd;
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
uu_octet(struct encoding *e, char c)
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

static uint64_t
uu_read(struct encoding *e, struct span s)
{
	bool good = true;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\n')
			good &= uu_line_end(e);
		else if (c != '\r')
			good &= uu_octet(e, c);
	}
	return good ? 0 : SMTP_ODD(INVALID_UUENCODE);
}

uint64_t
encoding_read(struct encoding *e, struct span s)
{
	switch (e->kind) {
	case ENCODING_BASE64:
		return base64_read(e, s);
	case ENCODING_QUOTED:
		return quoted_read(e, s);
	case ENCODING_UU:
		return uu_read(e, s);
	case ENCODING_NONE:
		break;
	}
	return 0;
}

uint64_t
encoding_end(const struct encoding *e)
{
	if (e->kind == ENCODING_BASE64 && e->octets)
		return SMTP_ODD(INVALID_BASE64);
	if (e->kind == ENCODING_QUOTED && e->state == QUOTED_DIGIT)
		return SMTP_ODD(INVALID_QUOTED);
	if (e->kind == ENCODING_UU &&
	    (e->state == UU_DATA || e->state == UU_LINE))
		return SMTP_ODD(INVALID_UUENCODE);
	return 0;
}
