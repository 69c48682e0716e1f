/* content: mail data of DATA, up to its end (RFC 5321 4.1.1.4, 4.5.2).
 *
 * Only CRLF.CRLF ends it. What some servers take for the end (a line of one
 * dot between other line ends, SECURITY 1.1) is kept back as long as what is
 * behind it could be commands: then the server's replies tell (reply.c). */
#include "inspect/engine.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LINE_OCTETS	1000	/* with CRLF, 4.5.3.1.6 */
#define CRUD_MAX	8	/* CR and NUL between the dot and its LF */

/* How many octets at the front are neither CR, LF nor NUL; *eight gathers
 * whether any of them is over 127. */
static size_t
plain_run(const char *p, size_t n, bool *eight)
{
	size_t i = 0;

	for (; i < n; i++) {
		if (p[i] == '\r' || p[i] == '\n' || p[i] == '\0')
			break;
		*eight |= (p[i] & 0x80) != 0;
	}
	return i;
}

/* The content line under way; how much too long it is does not matter. */
static void
lengthen(struct smtp_session *s, size_t octets)
{
	if (s->line_octets <= LINE_OCTETS)
		s->line_octets += octets > LINE_OCTETS ? LINE_OCTETS + 1 :
		    (unsigned)octets;
}

#define BLOCK 64	/* octets looked at together */

#ifdef __SSE2__
/* Which octets of a block are what, as bits; bit 0 is the first. */
struct block {
	uint64_t cr, lf, nul, dot, high;
};

static inline uint64_t
bits(__m128i hits, int at)
{
	return (uint64_t)(unsigned)_mm_movemask_epi8(hits) << at;
}

static struct block
look(const char *p)
{
	const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
	const __m128i dot = _mm_set1_epi8('.'), nul = _mm_setzero_si128();
	struct block b = { 0 };

	for (int at = 0; at < BLOCK; at += 16) {
		__m128i v = _mm_loadu_si128((const void *)(p + at));

		b.cr |= bits(_mm_cmpeq_epi8(v, cr), at);
		b.lf |= bits(_mm_cmpeq_epi8(v, lf), at);
		b.nul |= bits(_mm_cmpeq_epi8(v, nul), at);
		b.dot |= bits(_mm_cmpeq_epi8(v, dot), at);
		b.high |= bits(v, at);
	}
	return b;
}

/* Pass whole blocks in which nothing is odd: every CR has its LF and the
 * reverse, no NUL, no dot at a line start. The scan by octets is the truth and
 * does the rest; this gives the same for what it passes. */
static size_t
clean_blocks(struct smtp_session *s, struct span in, uint64_t *odd, bool *eight)
{
	size_t i = 0;

	if (s->eol != EOL_TEXT && s->eol != EOL_CR && s->eol != EOL_CRLF)
		return 0;
	for (; i + BLOCK <= in.n; i += BLOCK) {
		struct block b = look(in.p + i);
		uint64_t due = b.cr << 1 | (s->eol == EOL_CR);
		uint64_t starts = b.lf << 1 | (s->eol == EOL_CRLF);

		if (b.lf != due || b.nul || b.dot & starts)
			break;
		*eight |= b.high != 0;
		s->eol = b.cr >> 63 ? EOL_CR : b.lf >> 63 ? EOL_CRLF : EOL_TEXT;
		if (b.lf == 0) {
			lengthen(s, BLOCK);
			continue;
		}
		if (s->line_octets + (unsigned)__builtin_ctzll(b.lf) + 1 >
		    LINE_OCTETS)
			*odd |= SMTP_ODD(LINE_LENGTH);
		s->line_octets = (unsigned)__builtin_clzll(b.lf);
	}
	return i;
}
#else
static size_t
clean_blocks(struct smtp_session *s, struct span in, uint64_t *odd, bool *eight)
{
	(void)s, (void)in, (void)odd, (void)eight;
	return 0;
}
#endif

/* A whole line at the front that begins with a verb; *whole: there is one. */
static bool
looks_like_command(struct span in, bool *whole)
{
	size_t n = span_line(in);

	*whole = n != 0;
	in.n = n;
	return n && engine_lookup(&in) != SMTP_UNKNOWN;
}

/* What stands behind the strict end of data in these bytes; p = NULL: there
 * is none. s->looked_at is where it may begin at the earliest, as it was not
 * before: every octet is looked at once. */
static struct span
behind_end(struct smtp_session *s, struct span in)
{
	for (; s->looked_at + 5u <= in.n; s->looked_at++)
		if (memcmp(in.p + s->looked_at, "\r\n.\r\n", 5) == 0)
			return span_from(in, s->looked_at + 5u);
	return (struct span){ NULL, 0 };
}

/* The lookalike in front is content after all, or may still be the end. */
static bool
keep_back(struct smtp_session *s, struct span in)
{
	struct span rest = span_from(in, s->candidate), beyond;
	bool whole;

	if (s->hold == HOLD_RELEASED || in.n >= SMTP_HOLD_MAX ||
	    s->strict || s->drained[SMTP_SERVER])
		return false;
	if (!looks_like_command(rest, &whole) && whole)
		return false;
	beyond = behind_end(s, rest);
	s->hold = beyond.p == NULL ? HOLD_OPEN :
	    beyond.n == 0 ? HOLD_ENDED : HOLD_BEYOND;
	/* The one reply that waits was enough for the client to go on. */
	return s->hold != HOLD_BEYOND || !s->reply_kept;
}

static enum smtp_step
end_of_data(struct smtp_session *s, struct span *in, size_t n,
    struct smtp_event *ev)
{
	ev->tile = SMTP_END_OF_DATA;
	ev->verb = SMTP_END;
	ev->raw = span_cut(in, n);
	if (s->hold == HOLD_TAKEN)
		ev->anomalies |= SMTP_ODD(EOD_NONSTANDARD);
	if (s->declared && s->octets > s->declared)
		ev->anomalies |= SMTP_ODD(SIZE_EXCEEDED);
	s->candidate = 0;
	s->hold = HOLD_NONE;
	s->phase = PHASE_COMMAND;
	s->mail_said = false;
	engine_push(s, SMTP_END);
	return SMTP_EVENT;
}

static enum smtp_step
content_piece(struct span *in, size_t n, struct smtp_event *ev)
{
	ev->tile = SMTP_CONTENT;
	ev->verb = SMTP_DATA;
	ev->raw = span_cut(in, n);
	return SMTP_EVENT;
}

/* The lookalike in front of *in: the end, content, or not known yet. */
static enum smtp_step
lookalike(struct smtp_session *s, struct span *in, struct smtp_event *ev)
{
	size_t n = s->candidate;

	if (s->hold == HOLD_TAKEN)
		return end_of_data(s, in, n, ev);
	if (keep_back(s, *in))
		return SMTP_WAIT;
	if (s->reply_kept)
		s->server_first = true;
	s->octets += n - (s->eol == EOL_CRLF);
	s->line_octets = 0;
	s->eol = in->p[n - 2] == '\r' ? EOL_CRLF : EOL_LF;
	if (s->eol == EOL_LF)
		ev->anomalies |= SMTP_ODD(BARE_LF);
	s->candidate = 0;
	s->hold = HOLD_NONE;
	ev->anomalies |= SMTP_ODD(EOD_CANDIDATE);
	return content_piece(in, n, ev);
}

/* What a dot at a line start is the beginning of. */
enum dot { DOT_CONTENT, DOT_END, DOT_LOOKALIKE, DOT_SHORT };

static enum dot
dot_line(const struct smtp_session *s, struct span in, size_t *n)
{
	size_t i = 1;

	while (i < in.n && i <= CRUD_MAX &&
	    (in.p[i] == '\r' || in.p[i] == '\0'))
		i++;
	*n = i + 1;
	if (i > CRUD_MAX)
		return DOT_CONTENT;
	if (i == in.n)
		return s->ended[SMTP_CLIENT] ? DOT_CONTENT : DOT_SHORT;
	if (in.p[i] != '\n')
		return DOT_CONTENT;
	if (s->eol == EOL_CRLF && i == 2 && in.p[1] == '\r')
		return DOT_END;
	return DOT_LOOKALIKE;
}

/* An octet that is no plain run: the scan's state, and what is odd about it. */
static void
special(struct smtp_session *s, char c, uint64_t *odd)
{
	if (s->eol == EOL_CR && c != '\n')
		*odd |= SMTP_ODD(BARE_CR);
	if (s->eol == EOL_DOT && (c == '\r' || c == '\n'))
		*odd |= SMTP_ODD(EOD_CANDIDATE);
	if (c == '\n') {
		if (s->eol != EOL_CR)
			*odd |= SMTP_ODD(BARE_LF);
		s->eol = s->eol == EOL_CR ? EOL_CRLF : EOL_LF;
		if (s->line_octets > LINE_OCTETS)
			*odd |= SMTP_ODD(LINE_LENGTH);
		s->line_octets = 0;
	} else if (c == '\r') {
		s->eol = EOL_CR;
	} else {
		*odd |= SMTP_ODD(NUL);
		s->eol = s->eol == EOL_TEXT || s->eol == EOL_CR ? EOL_TEXT :
		    EOL_NUL;
	}
}

/* The first octet behind a line start or CR, when it is a plain one. */
static void
plain_after(struct smtp_session *s, char c, uint64_t *odd)
{
	bool loose = s->eol == EOL_CR || s->eol == EOL_NUL;

	if (s->eol == EOL_CR)
		*odd |= SMTP_ODD(BARE_CR);
	s->eol = loose && c == '.' ? EOL_DOT : EOL_TEXT;
}

/* One octet, or a run of plain ones; how many. */
static size_t
step(struct smtp_session *s, struct span in, uint64_t *odd, bool *eight)
{
	size_t n = 1;
	char c = in.p[0];

	if (c == '\r' || c == '\n' || c == '\0') {
		lengthen(s, 1);
		special(s, c, odd);
		return 1;
	}
	plain_after(s, c, odd);
	if (s->eol != EOL_DOT)
		n = plain_run(in.p, in.n, eight);
	lengthen(s, n);
	return n;
}

/* How many octets at the front are content, up to the next dot at a line
 * start. from: the first of them that is not known to be. */
static size_t
scan(struct smtp_session *s, struct span in, size_t from, uint64_t *odd)
{
	size_t i = from, stop = from;
	bool eight = false;

	while (i < in.n) {
		if (i >= stop) {
			i += clean_blocks(s, span_from(in, i), odd, &eight);
			stop = i + BLOCK;	/* what it stumbled over */
			if (i == in.n)
				break;
		}
		if (in.p[i] == '.' &&
		    (s->eol == EOL_CRLF || s->eol == EOL_LF))
			break;
		i += step(s, (struct span){ in.p + i, (i < stop && stop < in.n ?
		    stop : in.n) - i }, odd, &eight);
	}
	if (eight && !s->body_8bit)
		*odd |= SMTP_ODD(CONTENT_8BIT);
	return i;
}

/* Without the CR that may be half of a CRLF, where pieces must not end in it. */
static struct span
offered(const struct smtp_session *s, struct span in)
{
	if (s->strict && !s->ended[SMTP_CLIENT] && in.p[in.n - 1] == '\r')
		in.n--;
	return in;
}

enum smtp_step
engine_content(struct smtp_session *s, struct span *in, struct smtp_event *ev)
{
	size_t n, from = 0;
	bool starts = s->eol == EOL_CRLF || s->eol == EOL_LF;

	if (s->candidate)
		return lookalike(s, in, ev);
	if (offered(s, *in).n == 0)
		return SMTP_MORE;
	if (starts && in->p[0] == '.') {
		switch (dot_line(s, *in, &n)) {
		case DOT_END:
			return end_of_data(s, in, n, ev);
		case DOT_LOOKALIKE:
			s->candidate = (unsigned char)n;
			s->looked_at = 0;
			return lookalike(s, in, ev);
		case DOT_SHORT:
			return SMTP_MORE;
		case DOT_CONTENT:
			break;
		}
		if (s->eol == EOL_LF)
			s->octets++;	/* no stuffing: not a line start */
		from = 1;
		s->eol = EOL_DOT;
		s->line_octets = 1;
	}
	n = scan(s, offered(s, *in), from, &ev->anomalies);
	s->octets += n - from;
	if (s->ended[SMTP_CLIENT] && n == in->n)
		ev->anomalies |= SMTP_ODD(CUT_SHORT);
	return content_piece(in, n, ev);
}
