#include "inspect/ask.h"

static enum answer
yes_if(bool holds)
{
	return holds ? YES : NO;
}

/* BDAT with and without LAST are one verb to those who write rules. */
static uint64_t
verb_bit(enum smtp_verb verb)
{
	if (verb == SMTP_BDAT_LAST)
		verb = SMTP_BDAT;
	if (verb == SMTP_BURL_LAST)
		verb = SMTP_BURL;
	return UINT64_C(1) << verb;
}

static bool
has_verb(const struct policy_rule *r, const struct smtp_event *ev)
{
	if (r->verbs == 0 && r->words.n == 0)
		return true;
	return r->verbs & verb_bit(ev->verb) ||
	    policy_has_word(r->words, smtp_verb_word(ev->raw));
}

static bool
begins_mail(const struct smtp_event *ev)
{
	return ev->tile == SMTP_COMMAND && (ev->verb == SMTP_MAIL ||
	    ev->verb == SMTP_SEND || ev->verb == SMTP_SOML ||
	    ev->verb == SMTP_SAML);
}

static bool
names_rcpt(const struct smtp_event *ev)
{
	return ev->tile == SMTP_COMMAND && ev->verb == SMTP_RCPT;
}

static bool
is_chunk(const struct smtp_event *ev)
{
	return ev->tile == SMTP_COMMAND &&
	    (ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST);
}

static enum answer
more(const struct policy_rule *r, struct question *q, uint64_t number)
{
	q->number = number;
	return yes_if(number > r->above);
}

/* The decimal number at the front; what overflows is the largest there is. */
static uint64_t
number_of(struct span s)
{
	uint64_t number = 0;

	for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
		if (number > (UINT64_MAX - 9) / 10)
			return UINT64_MAX;
		number = number * 10 + (uint64_t)(s.p[i] - '0');
	}
	return number;
}

static enum answer
ask_verb(const struct policy_rule *r, struct question *q)
{
	if (q->ev->tile != SMTP_COMMAND)
		return NOT_ASKED;
	/* What is no verb may be a credential behind a refused AUTH. */
	q->detail = q->ev->verb == SMTP_UNKNOWN && q->ev->secret.n ?
	    SPAN("") : smtp_verb_word(q->ev->raw);
	return yes_if(has_verb(r, q->ev));
}

static enum answer
ask_length(const struct policy_rule *r, struct question *q)
{
	bool credential = q->ev->tile == SMTP_CREDENTIAL;

	if ((q->ev->tile != SMTP_COMMAND && !credential) ||
	    (credential ? !(r->verbs & verb_bit(SMTP_AUTH)) :
	    !has_verb(r, q->ev)))
		return NOT_ASKED;
	return more(r, q, span_chomp(q->ev->raw).n);
}

static enum answer
ask_sender(const struct gate *g, const struct policy_rule *r,
    struct question *q)
{
	if (!begins_mail(q->ev))
		return NOT_ASKED;
	q->detail = smtp_path(q->ev->text);
	return r->subject == POLICY_SENDER_LENGTH ?
	    yes_if(q->detail.n > r->above) :
	    yes_if(g->now->match(r->regex, q->detail));
}

static struct span
domain_of(struct span path)
{
	size_t n = path.n;

	while (n && path.p[n - 1] != '@')
		n--;
	return span_from(path, n ? n : path.n);
}

static enum answer
ask_recipient(const struct gate *g, const struct policy_rule *r,
    struct question *q)
{
	if (!names_rcpt(q->ev))
		return NOT_ASKED;
	q->detail = smtp_path(q->ev->text);
	return r->subject == POLICY_MAIL_RELAY ?
	    yes_if(policy_has_word(r->words, domain_of(q->detail))) :
	    yes_if(g->now->match(r->regex, q->detail));
}

/* Told and closed for at the reply that makes them too many; refused from the
 * next command on. */
static enum answer
ask_invalid(const struct gate *g, const struct policy_rule *r,
    struct question *q)
{
	bool refuses = r->action == POLICY_REJECT || r->action == POLICY_RATE;
	bool refused = q->ev->tile == SMTP_REPLY && q->ev->last &&
	    q->ev->verb == SMTP_RCPT && q->ev->code / 100 == 5;

	if (refuses ? !names_rcpt(q->ev) : !refused)
		return NOT_ASKED;
	return more(r, q, g->refused_rcpts);
}

static enum answer
ask_size(const struct gate *g, const struct policy_rule *r, struct question *q)
{
	struct span text = q->ev->text;

	if (begins_mail(q->ev))
		return more(r, q, number_of(smtp_parameter(text, "SIZE")));
	if (is_chunk(q->ev)) {
		uint64_t chunk = number_of(text);

		return more(r, q, chunk > UINT64_MAX - g->tx.octets ? UINT64_MAX :
		    g->tx.octets + chunk);
	}
	return q->ev->tile == SMTP_CONTENT ? more(r, q, g->tx.octets) : NOT_ASKED;
}

static enum answer
ask_mechanism(const struct policy_rule *r, struct question *q)
{
	struct span rest = q->ev->text;

	if (q->ev->tile != SMTP_COMMAND ||
	    (q->ev->verb != SMTP_AUTH && q->ev->verb != SMTP_XEXPS))
		return NOT_ASKED;
	q->detail = span_word(&rest);
	return yes_if(policy_has_word(r->words, q->detail));
}

static enum answer
ask_anomalies(const struct policy_rule *r, struct question *q)
{
	uint64_t hits = q->ev->anomalies & r->anomalies;

	if ((r->tiles && !(r->tiles & 1u << q->ev->tile)) ||
	    !has_verb(r, q->ev))
		return NOT_ASKED;
	if (hits == 0)
		return NO;
	q->detail = span_of(smtp_anomaly(
	    (enum smtp_anomaly)__builtin_ctzll(hits))->name);
	return YES;
}

enum answer
ask_event(const struct gate *g, const struct policy_rule *r,
    struct question *q)
{
	bool path = begins_mail(q->ev) || names_rcpt(q->ev);

	switch (r->subject) {
	case POLICY_COMMAND_VERB:
		return ask_verb(r, q);
	case POLICY_COMMAND_LENGTH:
		return ask_length(r, q);
	case POLICY_RCPT_COUNT:
		return names_rcpt(q->ev) ? more(r, q, g->tx.rcpts) : NOT_ASKED;
	case POLICY_SENDER_ADDRESS:
	case POLICY_SENDER_LENGTH:
		return ask_sender(g, r, q);
	case POLICY_RECIPIENT_ADDRESS:
	case POLICY_MAIL_RELAY:
		return ask_recipient(g, r, q);
	case POLICY_SPECIAL_CHARACTER:
		q->detail = path ? smtp_path(q->ev->text) : q->detail;
		return path ? yes_if((q->ev->anomalies &
		    SMTP_ODD(SPECIAL_CHARACTER)) != 0) : NOT_ASKED;
	case POLICY_INVALID_RECIPIENTS:
		return ask_invalid(g, r, q);
	case POLICY_MESSAGE_SIZE:
		return ask_size(g, r, q);
	case POLICY_CHUNK_SIZE:
		return is_chunk(q->ev) ? more(r, q, number_of(q->ev->text)) :
		    NOT_ASKED;
	case POLICY_REPLY_LENGTH:
		return q->ev->tile == SMTP_REPLY ?
		    more(r, q, span_chomp(q->ev->raw).n) : NOT_ASKED;
	case POLICY_REPLY_LINES:
		return q->ev->tile == SMTP_REPLY ? more(r, q, g->reply_lines) :
		    NOT_ASKED;
	case POLICY_AUTH_MECHANISM:
		return ask_mechanism(r, q);
	case POLICY_MESSAGES:
		q->detail = begins_mail(q->ev) ? smtp_path(q->ev->text) :
		    q->detail;
		return begins_mail(q->ev) ? YES : NOT_ASKED;
	case POLICY_EVENT:
		return ask_anomalies(r, q);
	default:
		return NOT_ASKED;
	}
}

/* What the content of a message has grown to. */
enum answer
ask_measures(const struct gate *g, const struct policy_rule *r,
    struct question *q)
{
	const struct mime_measures *m = &g->mime->measures;

	switch (r->subject) {
	case POLICY_HEADER_LENGTH:
		return more(r, q, m->header_octets);
	case POLICY_HEADER_LINE_LENGTH:
		return more(r, q, m->header_line);
	case POLICY_HEADER_TO_COUNT:
		return more(r, q, m->to_addresses);
	case POLICY_BODY_LENGTH:
		return more(r, q, m->body_octets);
	case POLICY_BODY_LINE_LENGTH:
		return more(r, q, m->body_line);
	case POLICY_MIME_FILENAME_LENGTH:
		return more(r, q, m->filename);
	case POLICY_EVENT:
		if (r->tiles && !(r->tiles & 1u << SMTP_CONTENT))
			return NOT_ASKED;
		if ((m->anomalies & r->anomalies) == 0)
			return NO;
		q->detail = span_of(smtp_anomaly((enum smtp_anomaly)
		    __builtin_ctzll(m->anomalies & r->anomalies))->name);
		return YES;
	default:
		return NOT_ASKED;
	}
}

enum answer
ask_find(const struct gate *g, const struct policy_rule *r,
    const struct mime_find *find, struct question *q)
{
	q->detail = find->value;
	switch (r->subject) {
	case POLICY_MIME_ENCODING:
		return find->what == MIME_ENCODING ?
		    yes_if(policy_has_word(r->words, find->value)) : NOT_ASKED;
	case POLICY_MIME_FILETYPE:
		return find->what != MIME_ENCODING ?
		    yes_if(g->now->match(r->regex, find->value)) : NOT_ASKED;
	default:
		return NOT_ASKED;
	}
}
