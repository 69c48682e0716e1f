#include "replay/answer.h"

#include <inttypes.h>
#include <stdio.h>

#define HOST "sink.localhost"

enum { CREDENTIAL_NONE, CREDENTIAL_LAST, CREDENTIAL_USER };

/* What a verb needs before it is in order (RFC 5321 4.1.4). */
enum needs {
	NOTHING,
	NO_TX,		/* no transaction under way */
	TX,		/* MAIL accepted */
	RCPTS,		/* and a recipient */
};

static const struct answer_row {
	enum smtp_verb verb;
	enum needs needs;
	const char *reply;
} rows[] = {
	{ SMTP_CONNECT, NOTHING, "220 " HOST " ESMTP smtptap" },
	{ SMTP_EHLO, NOTHING,
	    "250-" HOST "\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
	    "250-SMTPUTF8\r\n250-DSN\r\n250-CHUNKING\r\n250-BINARYMIME\r\n"
	    "250-SIZE\r\n250-ENHANCEDSTATUSCODES\r\n"
	    "250-AUTH PLAIN LOGIN\r\n250 HELP" },
	{ SMTP_LHLO, NOTHING,
	    "250-" HOST "\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
	    "250-SMTPUTF8\r\n250-DSN\r\n250-CHUNKING\r\n250-BINARYMIME\r\n"
	    "250-SIZE\r\n250 ENHANCEDSTATUSCODES" },
	{ SMTP_HELO, NOTHING, "250 " HOST },
	{ SMTP_MAIL, NO_TX, "250 2.1.0 Ok" },
	{ SMTP_RCPT, TX, "250 2.1.5 Ok" },
	{ SMTP_DATA, RCPTS, "354 End data with <CR><LF>.<CR><LF>" },
	{ SMTP_BDAT, RCPTS, "250 2.0.0 Ok" },
	{ SMTP_RSET, NOTHING, "250 2.0.0 Ok" },
	{ SMTP_NOOP, NOTHING, "250 2.0.0 Ok" },
	{ SMTP_VRFY, NOTHING, "252 2.5.2 Send some mail, it will be accepted" },
	{ SMTP_HELP, NOTHING, "214 2.0.0 Everything is accepted, nothing kept" },
	{ SMTP_QUIT, NOTHING, "221 2.0.0 Bye" },
	{ SMTP_UNKNOWN, NOTHING, "500 5.5.2 Command unknown" },
};

#define OUT_OF_ORDER	"503 5.5.1 Bad sequence of commands"
#define NOT_OFFERED	"502 5.5.1 Command not implemented"

bool
answer_parse_refusal(const char *text, struct answer_refusal *r)
{
	const char *colon = strchr(text, ':');
	struct span name, reply;

	if (colon == NULL)
		return false;
	name = (struct span){ text, (size_t)(colon - text) };
	reply = span_of(colon + 1);
	if (reply.n < 3 || reply.n > ANSWER_REFUSAL_MAX ||
	    reply.p[0] < '2' || reply.p[0] > '5' ||
	    reply.p[1] < '0' || reply.p[1] > '9' ||
	    reply.p[2] < '0' || reply.p[2] > '9' ||
	    (reply.n > 3 && reply.p[3] != ' ') ||
	    strpbrk(reply.p, "\r\n"))
		return false;
	for (int verb = SMTP_CONNECT; verb < SMTP_VERBS; verb++) {
		if (verb == SMTP_UNKNOWN ||
		    !span_is(name, smtp_verb_name((enum smtp_verb)verb)))
			continue;
		r->verb = (enum smtp_verb)verb;
		r->reply = reply.p;
		return true;
	}
	return false;
}

static size_t
put(char out[ANSWER_MAX], const char *reply)
{
	int n = snprintf(out, ANSWER_MAX, "%s\r\n", reply);

	return n < ANSWER_MAX ? (size_t)n : ANSWER_MAX;
}

/* BDAT and BDAT LAST are one command to who refuses it. */
static const char *
refusal(const struct answer *a, enum smtp_verb verb)
{
	const char *keyword = smtp_verb_name(verb);

	for (size_t i = 0; i < a->nrefusals; i++)
		if (a->refusals[i].verb == verb || (keyword[0] &&
		    !strcmp(smtp_verb_name(a->refusals[i].verb), keyword)))
			return a->refusals[i].reply;
	return NULL;
}

static bool
in_order(const struct answer *a, enum needs needs)
{
	switch (needs) {
	case NOTHING:
		return true;
	case NO_TX:
		return !a->in_tx;
	case TX:
		return a->in_tx;
	case RCPTS:
		return a->in_tx && a->rcpts > 0;
	}
	return false;
}

static size_t
answer_verb(const struct answer *a, enum smtp_verb verb, char out[ANSWER_MAX])
{
	const char *refused = refusal(a, verb);

	if (refused)
		return put(out, refused);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].verb == verb)
			return put(out, in_order(a, rows[i].needs) ?
			    rows[i].reply : OUT_OF_ORDER);
	return put(out, NOT_OFFERED);
}

size_t
answer_greeting(struct answer *a, char out[ANSWER_MAX])
{
	return answer_verb(a, SMTP_CONNECT, out);
}

size_t
answer_due(struct answer *a, char out[ANSWER_MAX])
{
	const char *refused = refusal(a, a->ended_by);
	int n;

	a->due--;
	if (refused)
		return put(out, refused);
	n = snprintf(out, ANSWER_MAX, "250 2.0.0 Ok: queued as %012" PRIX64
	    "\r\n", *a->queue_id);
	if (a->due == 0)
		++*a->queue_id;
	return (size_t)n;
}

/* The end of a message: of DATA by its dot, of BDAT by its last octet. */
static size_t
answer_end(struct answer *a, enum smtp_verb ended_by, char out[ANSWER_MAX])
{
	if (!in_order(a, RCPTS))
		return put(out, OUT_OF_ORDER);
	a->ended_by = ended_by;
	a->due = a->lmtp ? a->rcpts : 1;
	return answer_due(a, out);
}

static size_t
answer_chunk(struct answer *a, enum smtp_verb verb, char out[ANSWER_MAX])
{
	return verb == SMTP_BDAT_LAST ? answer_end(a, verb, out) :
	    answer_verb(a, verb, out);
}

/* BDAT is answered when its octets have come (RFC 3030 2); one without any
 * has come already. */
static size_t
answer_bdat(struct answer *a, const struct smtp_event *ev, char out[ANSWER_MAX])
{
	struct span rest = ev->text, size = span_word(&rest);

	if (ev->anomalies & SMTP_ODD(BDAT_SYNTAX))
		return put(out, "501 5.5.4 Syntax: BDAT octets [LAST]");
	while (size.n && size.p[0] == '0')
		size = span_from(size, 1);
	return size.n ? 0 : answer_chunk(a, ev->verb, out);
}

static size_t
answer_auth(struct answer *a, const struct smtp_event *ev, char out[ANSWER_MAX])
{
	struct span rest = ev->text, mechanism = span_word(&rest);
	const char *refused = refusal(a, SMTP_AUTH);
	bool initial = span_trim(rest).n > 0;

	a->credential = CREDENTIAL_NONE;
	if (refused)
		return put(out, refused);
	if (a->authenticated || a->in_tx)
		return put(out, OUT_OF_ORDER);
	if (span_is(mechanism, "PLAIN")) {
		a->credential = CREDENTIAL_LAST;
		return put(out, initial ?
		    "235 2.7.0 Authentication successful" : "334 ");
	}
	if (span_is(mechanism, "LOGIN")) {
		a->credential = initial ? CREDENTIAL_LAST : CREDENTIAL_USER;
		return put(out, initial ? "334 UGFzc3dvcmQ6" :
		    "334 VXNlcm5hbWU6");
	}
	return put(out, "504 5.5.4 Unrecognized authentication type");
}

static size_t
answer_credential(struct answer *a, const struct smtp_event *ev,
    char out[ANSWER_MAX])
{
	if (span_is(ev->text, "*"))
		return put(out, "501 5.7.0 Authentication cancelled");
	if (a->credential == CREDENTIAL_USER) {
		a->credential = CREDENTIAL_LAST;
		return put(out, "334 UGFzc3dvcmQ6");
	}
	return put(out, "235 2.7.0 Authentication successful");
}

size_t
answer_event(struct answer *a, const struct smtp_event *ev,
    char out[ANSWER_MAX])
{
	switch (ev->tile) {
	case SMTP_COMMAND:
		break;
	case SMTP_CREDENTIAL:
		return answer_credential(a, ev, out);
	case SMTP_END_OF_DATA:
		return answer_end(a, SMTP_END, out);
	case SMTP_CONTENT:
		return ev->last ? answer_chunk(a, ev->verb, out) : 0;
	case SMTP_REPLY:
	case SMTP_OPAQUE:
	case SMTP_TILES:
		return 0;
	}
	if (ev->anomalies & SMTP_ODD(COMMAND_OVERLONG))
		return put(out, "500 5.5.2 Line too long");
	if (ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST)
		return answer_bdat(a, ev, out);
	if (ev->verb == SMTP_AUTH)
		return answer_auth(a, ev, out);
	a->lmtp = ev->verb == SMTP_LHLO || (a->lmtp && ev->verb != SMTP_EHLO &&
	    ev->verb != SMTP_HELO);
	return answer_verb(a, ev->verb, out);
}

void
answer_fact(struct answer *a, enum smtp_fact fact)
{
	switch (fact) {
	case SMTP_FACT_AUTHENTICATED:
		a->authenticated = true;
		break;
	case SMTP_FACT_TX_BEGUN:
		a->in_tx = true;
		a->rcpts = 0;
		break;
	case SMTP_FACT_RCPT_ACCEPTED:
		a->rcpts++;
		break;
	case SMTP_FACT_IDENTIFIED:
	case SMTP_FACT_TX_RESET:
	case SMTP_FACT_TX_COMMITTED:
	case SMTP_FACT_TX_REFUSED:
		/* The last of LMTP's replies ends it, not the first. */
		if (a->due == 0)
			a->in_tx = false;
		break;
	default:
		break;
	}
}
