#include "replay/guard.h"

static enum guard_expects
expects(enum smtp_verb verb, int code)
{
	bool tls = verb == SMTP_STARTTLS || verb == SMTP_XANONTLS;

	if (tls && code / 100 == 2)
		return GUARD_TLS;
	return code / 100 == 3 ? GUARD_MORE : GUARD_COMMANDS;
}

/* A keyword line of the reply to EHLO says so. */
static bool
offers(struct span lines, const char *keyword)
{
	struct span line, text;
	size_t n;

	while ((n = span_line(lines)) != 0) {
		line = span_chomp(span_cut(&lines, n));
		if (line.n < 4)
			continue;
		text = span_from(line, 4);
		if (span_is(span_word(&text), keyword))
			return true;
	}
	return false;
}

const char *
guard_reply(struct guard *g, const struct script_reply *was,
    const struct compare_reply *is)
{
	switch (was->verb) {
	case SMTP_EHLO:
	case SMTP_LHLO:
		g->was_chunking = offers(was->lines, "CHUNKING");
		g->chunking = offers(is->lines, "CHUNKING");
		break;
	case SMTP_MAIL:
		g->was_accepted = g->accepted = 0;
		break;
	case SMTP_RCPT:
		g->was_accepted += was->code / 100 == 2;
		g->accepted += is->code / 100 == 2;
		break;
	default:
		break;
	}
	g->expects = expects(was->verb, is->code);
	if (g->expects == expects(was->verb, was->code))
		return NULL;
	return g->expects == GUARD_COMMANDS ?
	    "stopped: the server has not asked for what comes next" :
	    "stopped: the server waits for what was not recorded";
}

const char *
guard_step(const struct guard *g, const struct script *s, size_t tile,
    const struct script_step *step)
{
	for (; tile < s->ntiles && s->tiles[tile].from < step->to; tile++) {
		enum smtp_verb verb = (enum smtp_verb)s->tiles[tile].verb;
		bool chunk = verb == SMTP_BDAT || verb == SMTP_BDAT_LAST;

		if (!chunk && verb != SMTP_DATA)
			continue;
		if (g->was_accepted && !g->accepted)
			return "stopped: the server has accepted no recipient";
		if (chunk && g->was_chunking && !g->chunking)
			return "stopped: the server does not offer CHUNKING";
	}
	return NULL;
}
