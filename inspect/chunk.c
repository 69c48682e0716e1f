/* chunk: BDAT (RFC 3030), and octets that are counted. */
#include "inspect/engine.h"

#define CHUNK_SANE	UINT64_C(0x7fffffff)	/* octets; servers disagree above */
#define DIGITS_MAX	19			/* of INT64_MAX */

bool
engine_number(struct span *s, uint64_t *value)
{
	size_t n = 0;

	*value = 0;
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9') {
		if (*value > (INT64_MAX - 9) / 10)
			return false;
		*value = *value * 10 + (uint64_t)(s->p[n++] - '0');
	}
	*s = span_from(*s, n);
	return n > 0;
}

/* One blank, at most 19 digits, and nothing or " LAST" (RFC 3030 2). rest: what
 * is behind the digits; it is known to be LAST or nothing but blanks. */
static bool
is_exact(struct span argument, struct span rest)
{
	return argument.p[-1] == ' ' && span_lower(argument.p[-2]) == 't' &&
	    argument.n - rest.n <= DIGITS_MAX &&
	    (rest.n == 0 || (rest.n == 5 && rest.p[4] != ' '));
}

/* Whether the server offers CHUNKING is known: no EHLO is under way. */
static bool
knows_extensions(const struct smtp_session *s)
{
	for (unsigned i = 0; i < s->in_flight; i++) {
		enum smtp_verb verb = (enum smtp_verb)s->pending[
		    (s->oldest + i) % SMTP_PENDING_MAX];

		if (verb == SMTP_CONNECT || verb == SMTP_EHLO ||
		    verb == SMTP_HELO || verb == SMTP_LHLO)
			return false;
	}
	return true;
}

/* What is no chunk by any reading is a command like any other: nobody can say
 * how many octets a server will read behind it. */
void
engine_bdat(struct smtp_session *s, struct smtp_event *ev)
{
	struct span rest = ev->text, word;
	uint64_t size;

	ev->last = true;
	if (!engine_number(&rest, &size) || (rest.n && rest.p[0] != ' ')) {
		ev->anomalies |= SMTP_ODD(BDAT_SYNTAX);
		ev->last = true;
		return;
	}
	word = span_trim(rest);
	if (!is_exact(ev->text, rest))
		ev->anomalies |= SMTP_ODD(BDAT_SYNTAX);
	ev->last = size == 0 || (word.n && !span_is(word, "LAST"));
	if (word.n && !span_is(word, "LAST"))
		return;
	if (size > CHUNK_SANE)
		ev->anomalies |= SMTP_ODD(BDAT_SIZE);
	if (!(s->extensions & SMTP_EXT_CHUNKING) && knows_extensions(s))
		ev->anomalies |= SMTP_ODD(BDAT_UNOFFERED);
	ev->verb = word.n ? SMTP_BDAT_LAST : SMTP_BDAT;
	s->octets += size;
	if (word.n && s->declared && s->octets > s->declared)
		ev->anomalies |= SMTP_ODD(SIZE_EXCEEDED);
	s->chunking = word.n == 0;
	s->mail_said &= s->chunking;
	s->chunk = (unsigned char)ev->verb;
	s->octets_left = size;
	s->chunk_unsent = false;
	if (size)
		s->phase = PHASE_CHUNK;
}

enum smtp_step
engine_counted(struct smtp_session *s, struct span *in,
    struct smtp_event *ev)
{
	size_t n = in->n < s->octets_left ? in->n : (size_t)s->octets_left;

	ev->tile = s->phase == PHASE_CHUNK ? SMTP_CONTENT : SMTP_OPAQUE;
	ev->verb = s->phase == PHASE_CHUNK ? (enum smtp_verb)s->chunk :
	    SMTP_XEXCH50;
	s->octets_left -= n;
	if (s->octets_left == 0) {
		ev->last = true;
		s->phase = PHASE_COMMAND;
	}
	ev->raw = span_cut(in, n);
	return SMTP_EVENT;
}
