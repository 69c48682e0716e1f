#include "record/account_part.h"

#define RULE_DETAIL_MAX 200	/* octets of what a rule has fired on */

void
account_open(struct account *a, bool digest)
{
	*a = (struct account){ .delivery.digest = digest };
	(void)dialogue_command(&a->dialogue, 0, SMTP_CONNECT,
	    (struct span){ NULL, 0 }, false);
}

void
account_free(struct account *a)
{
	dialogue_free(&a->dialogue);
	delivery_free(&a->delivery);
	secret_free(&a->secret);
}

struct span
account_secret(const struct account *a, const struct smtp_event *ev)
{
	if (ev->tile == SMTP_REPLY && secret_echoed(&a->secret, ev->text))
		return ev->text;
	return ev->secret;
}

void
account_gap(struct account *a)
{
	delivery_gap(&a->delivery);
}

void
account_given(struct account *a, struct span bytes)
{
	delivery_given(&a->delivery, bytes);
}

static void
enter_command(struct account *a, const struct smtp_event *ev, int64_t t_us,
    bool withheld)
{
	struct text argument = { 0 };

	if (ev->secret.n)
		secret_redact(&argument, ev->text, ev->secret);
	(void)dialogue_command(&a->dialogue, t_us, ev->verb,
	    ev->secret.n ? text_all(&argument) : ev->text, withheld);
	text_free(&argument);
	switch (ev->verb) {
	case SMTP_AUTH:
	case SMTP_XEXPS:
		a->user[0] = '\0';
		secret_auth(&a->secret, ev->text);
		break;
	case SMTP_MAIL:
	case SMTP_RSET:
	case SMTP_EHLO:
	case SMTP_HELO:
	case SMTP_LHLO:
		if (!withheld)
			delivery_content_dropped(&a->delivery);
		break;
	default:
		break;
	}
	if (ev->secret.n)
		secret_put(&a->secret, ev->secret, a->user, sizeof a->user);
}

static void
enter_credential(struct account *a, const struct smtp_event *ev, int64_t t_us,
    bool withheld)
{
	struct span shown = ev->secret.n ? SPAN(SECRET_STAND_IN) : ev->text;

	(void)dialogue_command(&a->dialogue, t_us, SMTP_AUTH, shown, withheld);
	if (ev->secret.n)
		secret_put(&a->secret, ev->secret, a->user, sizeof a->user);
}

/* What has become true with the last line of a reply to c. */
static void
enter_fact(struct account *a, const struct smtp_event *ev,
    const struct dialogue_command *c, const struct transaction_reply *reply,
    struct recorder_session *facts, struct ledger *to)
{
	struct delivery *d = &a->delivery;

	switch (ev->fact) {
	case SMTP_FACT_IDENTIFIED:
		text_copy(facts->helo, sizeof facts->helo, c->argument);
		/* fall through */
	case SMTP_FACT_GREETED:
	case SMTP_FACT_TX_RESET:
		delivery_left(d, to);
		break;
	case SMTP_FACT_TX_BEGUN:
		delivery_begins(d, smtp_path(c->argument), to);
		break;
	case SMTP_FACT_RCPT_ACCEPTED:
		facts->recipients++;
		/* fall through */
	case SMTP_FACT_RCPT_REFUSED:
		delivery_rcpt(d, smtp_path(c->argument),
		    ev->fact == SMTP_FACT_RCPT_ACCEPTED, reply);
		break;
	case SMTP_FACT_DATA_BEGINS:
		if (ev->verb != SMTP_XEXCH50)
			delivery_content_begins(d);
		break;
	case SMTP_FACT_TX_COMMITTED:
	case SMTP_FACT_TX_REFUSED:
		delivery_answered(d, ev, reply, c->content, facts, to);
		break;
	case SMTP_FACT_AUTHENTICATED:
		text_copy(facts->auth_user, sizeof facts->auth_user,
		    span_of(a->user));
		break;
	case SMTP_FACT_TLS_BEGINS:
		text_copy(facts->tls_client, sizeof facts->tls_client,
		    SPAN("opaque"));
		text_copy(facts->tls_server, sizeof facts->tls_server,
		    SPAN("opaque"));
		break;
	default:
		break;
	}
}

void
account_told(struct account *a, const struct transaction_reply *reply,
    struct recorder_session *facts)
{
	facts->last_code = reply->code;
	text_copy(a->enhanced, sizeof a->enhanced, reply->enhanced);
}

/* What begins if the client is told so: it sends no data and no TLS otherwise. */
static bool
asks_client(enum smtp_fact fact)
{
	return fact == SMTP_FACT_DATA_BEGINS || fact == SMTP_FACT_TLS_BEGINS;
}

static void
enter_reply(struct account *a, const struct smtp_event *ev, bool withheld,
    int64_t t_us, struct recorder_session *facts, struct ledger *to)
{
	struct span text = secret_echoed(&a->secret, ev->text) ?
	    SPAN(SECRET_STAND_IN) : ev->text;
	struct transaction_reply reply = { ev->code,
	    smtp_enhanced(ev->code, text), text };
	struct dialogue_command c;

	if (ev->code == 0)
		return;
	dialogue_reply(&a->dialogue, text);
	if (!ev->last)
		return;
	if (!withheld)
		account_told(a, &reply, facts);
	if (ev->verb != SMTP_NONE)
		dialogue_pass_over(&a->dialogue, to->exchanges);
	if (withheld && ev->fact == SMTP_FACT_TLS_BEGINS && !a->asked) {
		account_hold_starttls(a);
		return;
	}
	a->asked = false;
	if (!dialogue_answered(&a->dialogue, false, &c))
		c = (struct dialogue_command){ .verb = SMTP_NONE };
	if (!withheld || !asks_client(ev->fact))
		enter_fact(a, ev, &c, &reply, facts, to);
	if (ev->answered)
		dialogue_answer(&a->dialogue, to->exchanges, t_us, ev->code,
		    reply.enhanced, false);
	if (ev->fact == SMTP_FACT_DATA_BEGINS && ev->verb == SMTP_XEXCH50)
		(void)dialogue_command(&a->dialogue, t_us, SMTP_XEXCH50,
		    (struct span){ NULL, 0 }, false);
	if (a->dialogue.n == 0 && !a->unfinished)
		secret_forget(&a->secret);
}

void
account_note(struct account *a, const struct note *note,
    struct recorder_session *facts, struct ledger *to)
{
	facts->events++;
	notes_put(&a->notes, to->events, note);
}

void
account_rule(struct account *a, const struct note *rule, const char *action,
    bool dry, struct recorder_session *facts, struct ledger *to)
{
	struct span on = secret_echoed(&a->secret, rule->detail) ?
	    SPAN(SECRET_STAND_IN) : rule->detail;
	struct note note = *rule;
	struct text detail = { 0 };

	if (on.n > RULE_DETAIL_MAX)
		on.n = RULE_DETAIL_MAX;
	text_str(&detail, dry ? "would " : "");
	text_str(&detail, action);
	text_str(&detail, on.n ? ": " : "");
	text_span(&detail, on);
	note.name = "rule";
	note.detail = text_all(&detail);
	account_note(a, &note, facts, to);
	text_free(&detail);
}

/* The last octet of a message, or the command that says there are no more. */
static bool
ends_content(const struct smtp_event *ev)
{
	return ev->tile == SMTP_END_OF_DATA || (ev->last &&
	    ev->verb == SMTP_BDAT_LAST && ev->side == SMTP_CLIENT);
}

static void
finish_content(struct account *a, struct recorder_session *facts,
    struct ledger *to)
{
	struct note about = { .t_us = a->end_us, .side = SMTP_CLIENT,
	    .detail = SPAN("header or part") };
	struct content *content;

	a->ending = false;
	content = delivery_content_over(&a->delivery);
	if (content)
		facts->events += notes_anomalies(&a->notes, to->events, &about,
		    content_odd(content));
	dialogue_content(&a->dialogue, content);
}

void
account_settle(struct account *a, struct recorder_session *facts, struct ledger *to)
{
	delivery_given_all(&a->delivery);
	if (a->ending)
		finish_content(a, facts, to);
}

void
account_changed(struct account *a, struct recorder_session *facts)
{
	if (!a->changed)
		facts->rewritten++;
	a->changed = true;
}

/* However it is cut, content counts once, and so does a reply. */
static bool
begins(const struct smtp_event *ev)
{
	return ev->tile != SMTP_CONTENT && ev->tile != SMTP_OPAQUE &&
	    (ev->tile != SMTP_REPLY || ev->first);
}

static void
enter(struct account *a, const struct smtp_event *ev, enum tap_fate fate,
    int64_t t_us, struct recorder_session *facts, struct ledger *to)
{
	bool withheld = fate == TAP_WITHHELD || fate == TAP_UNSENT;

	switch (ev->tile) {
	case SMTP_COMMAND:
		enter_command(a, ev, t_us, withheld);
		break;
	case SMTP_CREDENTIAL:
		enter_credential(a, ev, t_us, withheld);
		break;
	case SMTP_CONTENT:
		delivery_content(&a->delivery, ev, fate);
		break;
	case SMTP_END_OF_DATA:
		(void)dialogue_command(&a->dialogue, t_us, SMTP_END,
		    (struct span){ NULL, 0 }, withheld);
		break;
	case SMTP_REPLY:
		enter_reply(a, ev, withheld, t_us, facts, to);
		break;
	case SMTP_OPAQUE:
		if (ev->secret.n && ev->anomalies & SMTP_ODD(CUT_SHORT)) {
			secret_put(&a->secret, ev->secret, a->user,
			    sizeof a->user);
			a->unfinished = true;
		}
		break;
	case SMTP_TILES:
		break;
	}
}

static void
enter_anomalies(struct account *a, const struct smtp_event *ev,
    enum tap_fate fate, int64_t t_us, struct span secret,
    struct recorder_session *facts, struct ledger *to)
{
	struct content *content = a->delivery.content;
	uint64_t at = content ? content->size : 0;

	if (fate != TAP_FORWARDED)
		at += ev->raw.n;
	facts->events += notes_event(&a->notes, to->events, t_us, ev, secret,
	    content, at);
}

void
account_event(struct account *a, const struct smtp_event *ev,
    enum tap_fate fate, int64_t t_us, struct recorder_session *facts,
    struct ledger *to)
{
	struct span secret = { NULL, 0 };

	if (ev->anomalies)	/* it is soon forgotten */
		secret = account_secret(a, ev);
	account_settle(a, facts, to);
	a->changed &= !begins(ev);
	if (fate == TAP_WITHHELD)
		account_changed(a, facts);
	enter(a, ev, fate, t_us, facts, to);
	if (ev->anomalies)
		enter_anomalies(a, ev, fate, t_us, secret, facts, to);
	if (!ends_content(ev))
		return;
	a->ending = true;
	a->end_us = t_us;
	if (fate != TAP_EDITED)
		account_settle(a, facts, to);
}

void
account_end(struct account *a, int64_t t_us, struct recorder_session *facts,
    struct ledger *to)
{
	const struct smtp_anomaly_row *cut = smtp_anomaly(SMTP_ODD_CUT_SHORT);
	struct note note = { t_us, SMTP_CLIENT, cut->name, cut->severity,
	    SPAN("within the content"), NULL };
	struct transaction_reply none = { 0 };
	struct dialogue_command c;
	struct content *content;

	account_settle(a, facts, to);
	/* The engine has no event to tell it with: all bytes were understood. */
	content = a->delivery.content;
	if (content && !(content->reported & SMTP_ODD(CUT_SHORT)))
		account_note(a, &note, facts, to);
	/* Content was sent whole, but the reply never came. */
	if (dialogue_oldest(&a->dialogue, &c) && c.content)
		delivery_over(&a->delivery, &none, c.content, facts, to);
	delivery_left(&a->delivery, to);
	account_release_starttls(a);
	dialogue_end(&a->dialogue, to->exchanges);
}
