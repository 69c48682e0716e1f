/* command: what the client says, one line at a time (RFC 5321 4.1). */
#include "inspect/engine.h"

/* The first words of protocols that are not ours. */
static const char *const foreign[] = {
	"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "PROXY",
};

/* Octets of a line, CRLF included: 4.5.3.1.4, and what extensions add to it
 * (RFC 1870, 3461, 4954, 6531, 6710); AUTH: RFC 4954 4. */
static size_t
line_limit(enum smtp_verb verb)
{
	switch (verb) {
	case SMTP_AUTH:
	case SMTP_XEXPS:
		return 12288;
	case SMTP_MAIL:
	case SMTP_RCPT:
		return 2048;
	default:
		return 512;
	}
}

static bool
is_foreign(struct span line)
{
	struct span word = span_word(&line);

	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		if (span_is(word, foreign[i]))
			return true;
	return false;
}

/* Odd octets anywhere in a line. */
static uint64_t
odd_octets(struct span text)
{
	uint64_t odd = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\0')
			odd |= SMTP_ODD(NUL);
		else if (text.p[i] == '\r')
			odd |= SMTP_ODD(BARE_CR);
		else if (text.p[i] == '\t')
			odd |= SMTP_ODD(ODD_COMMAND);
		else if (text.p[i] & 0x80)
			odd |= SMTP_ODD(COMMAND_8BIT);
	}
	return odd;
}

/* Octets of the UTF-8 character at the front of s, none overlong and no
 * surrogate (RFC 3629 4); 0: it is none. */
static size_t
utf8_character(struct span s)
{
	unsigned char c = (unsigned char)s.p[0];
	unsigned char second = s.n > 1 ? (unsigned char)s.p[1] : 0;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || n > s.n)
		return 0;
	if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
	    (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* SMTPUTF8 was offered and asked for, and this is UTF-8 (RFC 6531 3.3). */
static bool
may_be_8bit(const struct smtp_session *s, struct span line)
{
	size_t n = s->smtputf8 && s->extensions & SMTP_EXT_SMTPUTF8;

	while (n && line.n) {
		n = utf8_character(line);
		line = span_from(line, n);
	}
	return n != 0;
}

static uint64_t
odd_line_end(struct span line)
{
	if (line.n && line.p[line.n - 1] == '\n' &&
	    (line.n == 1 || line.p[line.n - 2] != '\r'))
		return SMTP_ODD(BARE_LF);
	return 0;
}

/* FROM:<path> or TO:<path>, nothing between (4.1.2). */
static uint64_t
odd_path(struct span argument, const char *keyword)
{
	uint64_t odd = 0;

	if (!span_starts(argument, keyword) ||
	    memchr(argument.p, '>', argument.n) == NULL)
		odd |= SMTP_ODD(COMMAND_SYNTAX);
	if (memchr(argument.p, '|', argument.n) ||
	    memchr(argument.p, '`', argument.n) ||
	    memchr(argument.p, '\0', argument.n))
		odd |= SMTP_ODD(SPECIAL_CHARACTER);
	return odd;
}

static void
mail_command(struct smtp_session *s, struct smtp_event *ev)
{
	struct span size = smtp_parameter(ev->text, "SIZE");
	struct span body = smtp_parameter(ev->text, "BODY");

	ev->anomalies |= odd_path(ev->text, "FROM:<");
	s->mail_said = true;
	s->smtputf8 = smtp_parameter(ev->text, "SMTPUTF8").p != NULL;
	s->body_8bit = s->smtputf8 || span_is(body, "8BITMIME") ||
	    span_is(body, "BINARYMIME");
	if (!engine_number(&size, &s->declared) || size.n)
		s->declared = 0;
	s->octets = 0;
}

/* XEXCH50 octets version: so many octets follow if the server says 354. */
static void
xexch50_command(struct smtp_session *s, struct smtp_event *ev)
{
	struct span rest = ev->text;

	if (!engine_number(&rest, &s->octets_left))
		s->octets_left = 0;
}

/* Behind the mechanism stands the initial response (RFC 4954 4). */
static void
auth_command(struct smtp_event *ev)
{
	struct span rest = ev->text;

	(void)span_word(&rest);
	rest = span_trim(rest);
	if (rest.n && !span_is(rest, "="))
		ev->secret = rest;
}

static void
xclient_command(struct smtp_event *ev)
{
	ev->anomalies |= SMTP_ODD(PEER_IDENTITY);
	if (ev->verb == SMTP_XCLIENT)
		ev->secret = smtp_parameter(ev->text, "LOGIN");
}

static void
burl_command(struct smtp_session *s, struct smtp_event *ev)
{
	struct span rest = ev->text;

	ev->secret = span_word(&rest);
	if (!span_is(span_trim(rest), "LAST"))
		return;
	ev->verb = SMTP_BURL_LAST;
	s->mail_said = false;
}

static void
unknown_command(const struct smtp_session *s, struct smtp_event *ev,
    struct span line)
{
	ev->anomalies |= is_foreign(line) ? SMTP_ODD(OTHER_PROTOCOL) :
	    SMTP_ODD(UNKNOWN_VERB);
	ev->text = line;
	if (s->suspect && line.n)
		ev->secret = line;
}

/* What the verb itself says about its argument. */
static void
read_argument(struct smtp_session *s, struct smtp_event *ev)
{
	switch (ev->verb) {
	case SMTP_MAIL:
	case SMTP_SEND:
	case SMTP_SOML:
	case SMTP_SAML:
		mail_command(s, ev);
		break;
	case SMTP_RCPT:
		ev->anomalies |= odd_path(ev->text, "TO:<");
		break;
	case SMTP_BDAT:
		engine_bdat(s, ev);
		break;
	case SMTP_BURL:
		burl_command(s, ev);
		break;
	case SMTP_AUTH:
	case SMTP_XEXPS:
		auth_command(ev);
		break;
	case SMTP_XCLIENT:
	case SMTP_XFORWARD:
		xclient_command(ev);
		break;
	case SMTP_XEXCH50:
		xexch50_command(s, ev);
		break;
	case SMTP_XLINK2STATE:
		ev->anomalies |= SMTP_ODD(LINK2STATE);
		break;
	case SMTP_DATA:
	case SMTP_RSET:
	case SMTP_QUIT:
	case SMTP_STARTTLS:
		if (ev->text.n)
			ev->anomalies |= SMTP_ODD(ODD_COMMAND);
		break;
	default:
		break;
	}
}

/* Commands out of their place. Only where it is certain: with nothing in flight
 * the state is what the server has said it is; and whatever it will say to an
 * end of data, that ends the transaction. */
static uint64_t
out_of_order(const struct smtp_session *s, enum smtp_verb verb)
{
	bool wrong;

	if (verb == SMTP_RCPT && !s->mail_said)
		return SMTP_ODD(OUT_OF_ORDER);
	switch (verb) {
	case SMTP_MAIL:
		wrong = s->in_tx;
		break;
	case SMTP_RCPT:
		wrong = !s->in_tx;
		break;
	case SMTP_DATA:
		wrong = !s->in_tx || s->rcpts == 0 || s->chunking;
		break;
	case SMTP_BDAT:
	case SMTP_BDAT_LAST:
		wrong = !s->in_tx || s->rcpts == 0;
		break;
	default:
		wrong = false;
	}
	return wrong && s->in_flight == 0 ? SMTP_ODD(OUT_OF_ORDER) : 0;
}

/* Commands that do not wait for what they must wait for. */
static uint64_t
out_of_turn(const struct smtp_session *s)
{
	enum smtp_verb youngest = engine_youngest(s);

	if (s->quit)
		return SMTP_ODD(AFTER_QUIT);
	if (youngest == SMTP_NONE)
		return 0;
	if (engine_oldest(s) == SMTP_CONNECT)
		return SMTP_ODD(EARLY_TALK);
	if (engine_verbs[youngest].last_in_group ||
	    !(s->extensions & SMTP_EXT_PIPELINING))
		return SMTP_ODD(UNAUTH_PIPELINING);
	return 0;
}

/* A transaction of chunks that is left for something else. */
static uint64_t
chunks_left(const struct smtp_session *s, enum smtp_verb verb)
{
	bool leaves = verb == SMTP_MAIL || verb == SMTP_DATA ||
	    verb == SMTP_QUIT || verb == SMTP_EHLO || verb == SMTP_HELO;

	return s->chunking && leaves ? SMTP_ODD(BDAT_UNFINISHED) : 0;
}

/* What the client's stream holds behind this command. */
static void
predict(struct smtp_session *s, const struct smtp_event *ev)
{
	if (engine_verbs[ev->verb].flow == FLOW_HELD) {
		s->phase = PHASE_HELD;
		s->early = false;
	}
	if (ev->verb == SMTP_QUIT)
		s->quit = true;
	if (ev->verb == SMTP_RSET || ev->verb == SMTP_EHLO ||
	    ev->verb == SMTP_HELO || ev->verb == SMTP_MAIL)
		s->chunking = false;
	if (ev->verb != SMTP_UNKNOWN)
		s->suspect = false;
	s->excess = false;
	engine_push(s, ev->verb);
}

void
engine_command(struct smtp_session *s, struct smtp_event *ev, struct span line)
{
	struct span text = span_chomp(line), rest = engine_behind_blanks(text);

	ev->tile = SMTP_COMMAND;
	if (rest.n == 0 || rest.p != text.p)
		ev->anomalies |= SMTP_ODD(ODD_COMMAND);
	ev->anomalies |= odd_line_end(line) | odd_octets(text);
	ev->verb = engine_lookup(&rest);
	ev->text = (struct span){ rest.p,
	    (size_t)(text.p + text.n - rest.p) };
	while (ev->text.n && (ev->text.p[0] == ' ' || ev->text.p[0] == '\t'))
		ev->text = span_from(ev->text, 1);
	if (ev->verb == SMTP_UNKNOWN)
		unknown_command(s, ev, text);
	else
		read_argument(s, ev);
	if (line.n > line_limit(ev->verb))
		ev->anomalies |= SMTP_ODD(COMMAND_LENGTH);
	if (ev->anomalies & SMTP_ODD(COMMAND_8BIT) && may_be_8bit(s, text))
		ev->anomalies &= ~SMTP_ODD(COMMAND_8BIT);
	if (s->excess)
		ev->anomalies |= SMTP_ODD(EXCESSIVE_PIPELINING);
	ev->anomalies |= out_of_order(s, ev->verb) | out_of_turn(s) |
	    chunks_left(s, ev->verb);
	predict(s, ev);
}

void
engine_credential(struct smtp_event *ev, struct span line)
{
	ev->tile = SMTP_CREDENTIAL;
	ev->verb = SMTP_AUTH;
	ev->text = span_chomp(line);
	ev->anomalies |= odd_line_end(line);
	if (span_is(ev->text, "*"))
		ev->anomalies |= SMTP_ODD(AUTH_CANCELLED);
	else if (ev->text.n && !span_is(ev->text, "="))
		ev->secret = ev->text;
}
