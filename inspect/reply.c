/* reply: what the server says, one line at a time (RFC 5321 4.2). */
#include "inspect/engine.h"

#define REPLY_LINE	512	/* octets, 4.5.3.1.5 */
#define REPLY_LINES	128	/* more than any EHLO we know of */

static const unsigned char outcomes[SMTP_VERBS][4] = {
#define OUTCOME(verb, d2, d3, d4, d5) [SMTP_##verb] = { \
	SMTP_FACT_##d2, SMTP_FACT_##d3, SMTP_FACT_##d4, SMTP_FACT_##d5 },
#include "inspect/outcomes.def"
#undef OUTCOME
};

static const struct {
	const char *keyword;
	unsigned char bit;
} extensions[] = {
	{ "PIPELINING",	SMTP_EXT_PIPELINING },	/* RFC 2920 */
	{ "CHUNKING",	SMTP_EXT_CHUNKING },	/* RFC 3030 */
	{ "STARTTLS",	SMTP_EXT_STARTTLS },	/* RFC 3207 */
	{ "SMTPUTF8",	SMTP_EXT_SMTPUTF8 },	/* RFC 6531 */
	{ "8BITMIME",	SMTP_EXT_8BITMIME },	/* RFC 6152 */
};

/* A code without any text is a final line (RFC 5321 4.2: "or just the code"). */
int
engine_code(struct span line, bool *last)
{
	int code = 0;

	if (line.n < 3)
		return 0;
	for (int i = 0; i < 3; i++) {
		if (line.p[i] < '0' || line.p[i] > '9')
			return 0;
		code = code * 10 + (line.p[i] - '0');
	}
	*last = line.n == 3 || line.p[3] == ' ';
	if (!*last && line.p[3] != '-')
		return 0;
	return code < 100 ? 0 : code;
}

/* The test by which Postfix knows a PIX: nothing but these in the greeting. */
static bool
is_masked_banner(struct span text)
{
	bool star = false;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '*')
			star = true;
		else if (memchr("20 \t", text.p[i], 4) == NULL)
			return false;
	}
	return star;
}

/* An ASA overwrites with X and ends with a running letter: XXXXXXXA. */
static bool
is_masked_keyword(struct span word)
{
	if (word.n < 4)
		return false;
	for (size_t i = 0; i + 1 < word.n; i++)
		if (word.p[i] != 'X')
			return false;
	return word.p[word.n - 1] >= 'A' && word.p[word.n - 1] <= 'Z';
}

/* A keyword line of the reply to EHLO; line 1 never is one (4.1.1.1). */
static uint64_t
read_keyword(struct smtp_session *s, struct span text)
{
	struct span word = span_word(&text);

	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (span_is(word, extensions[i].keyword))
			s->extensions |= extensions[i].bit;
	return is_masked_keyword(word) ? SMTP_ODD(MASKED_KEYWORD) : 0;
}

static uint64_t
odd_line(const struct smtp_session *s, struct span line, int code)
{
	struct span text = span_chomp(line);
	int tens = code / 10 % 10;
	uint64_t odd = 0;

	if (line.p[line.n - 1] == '\n' &&
	    (line.n == 1 || line.p[line.n - 2] != '\r'))
		odd |= SMTP_ODD(BARE_LF);
	if (memchr(text.p, '\r', text.n))
		odd |= SMTP_ODD(BARE_CR);
	if (memchr(text.p, '\0', text.n))
		odd |= SMTP_ODD(NUL);
	if (line.n > REPLY_LINE)
		odd |= SMTP_ODD(REPLY_LENGTH);
	if (code == 0)
		return odd | SMTP_ODD(BAD_REPLY);
	if (code < 200 || code > 599 || tens > 5)
		odd |= SMTP_ODD(REPLY_RANGE);
	if (s->reply_code && s->reply_code != code)
		odd |= SMTP_ODD(REPLY_MIXED);
	if (s->reply_lines == REPLY_LINES)
		odd |= SMTP_ODD(REPLY_LINES);
	return odd;
}

/* What the first and the middle lines tell. */
static void
read_line(struct smtp_session *s, struct smtp_event *ev)
{
	bool greets = ev->verb == SMTP_EHLO || ev->verb == SMTP_LHLO ||
	    ev->verb == SMTP_HELO;

	if (ev->verb == SMTP_CONNECT && ev->first) {
		if (ev->code != 220)
			ev->anomalies |= SMTP_ODD(NO_GREETING);
		if (is_masked_banner(ev->text))
			ev->anomalies |= SMTP_ODD(MASKED_BANNER);
	}
	if (!greets || ev->code / 100 != 2)
		return;
	if (ev->first)
		s->extensions = 0;
	else if (ev->verb != SMTP_HELO)
		ev->anomalies |= read_keyword(s, ev->text);
}

static enum smtp_fact
outcome(enum smtp_verb verb, int code)
{
	int digit = code / 100;

	if (code == 421)
		return SMTP_FACT_CLOSING;
	if (digit < 2 || digit > 5)
		return SMTP_FACT_NOTHING;
	return (enum smtp_fact)outcomes[verb][digit - 2];
}

/* The 3yz that asks for more (4.3.2, RFC 4954 4, MS-XEXCH50); 0: this verb cannot
 * be asked. Clients and servers disagree on what another one means. */
static int
code_that_asks(enum smtp_verb verb)
{
	switch (verb) {
	case SMTP_DATA:
	case SMTP_XEXCH50:
		return 354;
	case SMTP_AUTH:
	case SMTP_XEXPS:
		return 334;
	default:
		return 0;
	}
}

static uint64_t
odd_code(enum smtp_verb verb, int code)
{
	int digit = code / 100;

	if (verb == SMTP_NONE)
		return 0;
	if (digit < 2 || digit > 5 ||
	    (digit == 3 && code != code_that_asks(verb)) ||
	    (digit == 2 && verb == SMTP_DATA))
		return SMTP_ODD(UNEXPECTED_CODE);
	return 0;
}

/* The client spoke behind a command whose reply decides what it said. */
static uint64_t
odd_early(const struct smtp_session *s, const struct smtp_event *ev)
{
	if (s->phase != PHASE_HELD || s->in_flight != 1 || !s->early)
		return 0;
	return ev->fact == SMTP_FACT_TLS_BEGINS ?
	    SMTP_ODD(STARTTLS_INJECTION) : SMTP_ODD(UNAUTH_PIPELINING);
}

static void
began(struct smtp_session *s, enum engine_phase phase)
{
	s->phase = (unsigned char)phase;
	s->eol = EOL_CRLF;
	s->line_octets = 0;
	s->candidate = 0;
	s->hold = HOLD_NONE;
}

/* The command the client is held behind has its answer. */
static void
release(struct smtp_session *s, struct smtp_event *ev)
{
	bool asked = ev->code / 100 == 3;
	bool auth = ev->verb == SMTP_AUTH || ev->verb == SMTP_XEXPS;

	if (asked && ev->verb == SMTP_DATA)
		began(s, PHASE_CONTENT);
	else if (asked && auth)
		began(s, PHASE_CREDENTIAL);
	else if (asked && ev->verb == SMTP_XEXCH50 && s->octets_left) {
		began(s, PHASE_RAW);
		engine_push(s, SMTP_XEXCH50);
		ev->fact = SMTP_FACT_DATA_BEGINS;
	} else
		began(s, PHASE_COMMAND);
	s->suspect = auth && !asked && ev->code / 100 != 2;
	s->client_first = s->early;
}

/* A chunk refused before its octets have come: RFC 3030 2 makes a server that
 * knows BDAT read them first, so this one does not; they are commands. */
static void
reframe_chunk(struct smtp_session *s, struct smtp_event *ev)
{
	bool chunk = ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST;

	if (!chunk || s->phase != PHASE_CHUNK || s->chunk_unsent ||
	    s->in_flight != 0 || ev->code / 100 < 4)
		return;
	ev->anomalies |= SMTP_ODD(BDAT_REFRAMED);
	s->phase = PHASE_COMMAND;
	s->octets_left = 0;
}

static void
become(struct smtp_session *s, struct smtp_event *ev)
{
	switch (ev->fact) {
	case SMTP_FACT_GREETED:
		s->extensions = 0;
		engine_tx_over(s);
		break;
	case SMTP_FACT_IDENTIFIED:
		s->lmtp = ev->verb == SMTP_LHLO;
		engine_tx_over(s);
		break;
	case SMTP_FACT_TX_BEGUN:
		engine_tx_over(s);
		s->in_tx = true;
		break;
	case SMTP_FACT_RCPT_ACCEPTED:
		s->rcpts++;
		break;
	case SMTP_FACT_DATA_REFUSED:
		ev->anomalies |= SMTP_ODD(DATA_REFUSED);
		break;
	case SMTP_FACT_TLS_REFUSED:
		ev->anomalies |= SMTP_ODD(TLS_REFUSED);
		break;
	case SMTP_FACT_TLS_BEGINS:
		s->opaque = true;
		s->tls_due = !s->early;
		break;
	case SMTP_FACT_ROLES_REVERSED:
		ev->anomalies |= SMTP_ODD(ROLES_REVERSED);
		s->opaque = true;
		break;
	case SMTP_FACT_TX_RESET:
		engine_tx_over(s);
		break;
	default:
		break;
	}
}

/* LMTP answers the end of data once for each accepted recipient (RFC 2033 4.2).
 * True while more such replies are due. */
static bool
one_of_several(struct smtp_session *s, struct smtp_event *ev)
{
	bool end = ev->verb == SMTP_END || ev->verb == SMTP_BDAT_LAST;

	if (!end || !s->lmtp || ev->code == 421)
		return false;
	ev->per_rcpt = true;
	ev->rcpt = s->rcpt_reply++;
	return s->rcpt_reply < s->rcpts;
}

/* The last line of a reply: the command at the head of the queue is answered. */
static void
answer(struct smtp_session *s, struct smtp_event *ev)
{
	bool ends_tx = ev->verb == SMTP_END || ev->verb == SMTP_BDAT_LAST ||
	    ev->verb == SMTP_BURL_LAST;

	ev->fact = outcome(ev->verb, ev->code);
	ev->anomalies |= odd_code(ev->verb, ev->code) | odd_early(s, ev);
	ev->answered = true;
	if (s->server_first && !s->reply_kept) {
		s->server_first = false;
		s->client_first = true;
	}
	if (ev->verb == SMTP_NONE)
		return;
	if (one_of_several(s, ev)) {
		ev->answered = false;
	} else {
		engine_pop(s);
		s->client_first |= s->excess;	/* it waits for room */
		if (ends_tx)
			engine_tx_over(s);
	}
	reframe_chunk(s, ev);
	if (s->phase == PHASE_HELD && s->in_flight == 0)
		release(s, ev);
	become(s, ev);
}

/* Two whole final lines stand in these bytes. */
static bool
two_replies(struct span in)
{
	size_t n;
	bool last;
	int seen = 0;

	while (seen < 2 && (n = span_line(in)) != 0) {
		if (engine_code(span_chomp(span_cut(&in, n)), &last) && last)
			seen++;
	}
	return seen == 2;
}

/* A reply has come while the client is kept before a lookalike of the end of
 * data. Without a true one behind it, the server has taken the lookalike. With
 * a true one as the last thing said, a second reply proves it: there is nothing
 * else it could answer. If the client went on, it had its one reply. */
static bool
settle_lookalike(struct smtp_session *s, int code, struct span line,
    struct span more)
{
	struct span both = { line.p, line.n + more.n };

	if (s->hold == HOLD_OPEN && code == 421)
		return true;
	if (s->hold == HOLD_OPEN ||
	    (s->hold == HOLD_ENDED && code != 421 && two_replies(both))) {
		s->hold = HOLD_TAKEN;
		s->reply_kept = false;
	} else if (s->hold == HOLD_BEYOND || code == 421 ||
	    s->ended[SMTP_SERVER])
		s->hold = HOLD_RELEASED;
	else
		s->reply_kept = true;
	s->server_first = s->hold == HOLD_TAKEN || s->hold == HOLD_RELEASED;
	return false;
}

bool
engine_reply(struct smtp_session *s, struct smtp_event *ev, struct span line,
    struct span more)
{
	struct span text = span_chomp(line);
	bool last = false, mid_data;
	int code = engine_code(text, &last);

	mid_data = s->phase == PHASE_CONTENT && s->in_flight == 0;
	if (mid_data && code && s->candidate &&
	    !settle_lookalike(s, code, line, more))
		return false;
	ev->tile = SMTP_REPLY;
	ev->code = code;
	ev->anomalies |= odd_line(s, line, code);
	if (code == 0) {
		ev->text = text;
		return true;
	}
	ev->text = span_from(text, text.n > 3 ? 4 : 3);
	ev->first = s->reply_lines == 0;
	if (ev->first)
		s->reply_verb = (unsigned char)engine_oldest(s);
	ev->verb = (enum smtp_verb)s->reply_verb;
	ev->last = last;
	if (ev->first && ev->verb == SMTP_NONE && code != 421)
		ev->anomalies |= mid_data ? SMTP_ODD(MID_DATA_REPLY) :
		    SMTP_ODD(UNSOLICITED);
	read_line(s, ev);
	s->reply_code = last ? 0 : code;
	s->reply_lines = last ? 0 : s->reply_lines + 1;
	if (last)
		answer(s, ev);
	return true;
}
