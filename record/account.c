#include "record/account.h"

#include "inspect/message.h"

#define DETAIL_MAX 200		/* octets of a command or reply shown in an event */

void
account_open(struct account *a, bool digest)
{
	*a = (struct account){ .digest = digest };
	(void)dialogue_command(&a->dialogue, 0, SMTP_CONNECT,
	    (struct span){ NULL, 0 });
}

void
account_free(struct account *a)
{
	dialogue_free(&a->dialogue);
	transaction_free(&a->tx);
	content_free(a->content);
	a->content = NULL;
	secret_free(&a->secret);
}

struct span
account_secret(const struct account *a, const struct smtp_event *ev)
{
	if (ev->tile == SMTP_REPLY && secret_echoed(&a->secret, ev->text))
		return ev->text;
	return ev->secret;
}

static void
emit_message(struct account *a, struct content *content, bool accepted,
    const struct transaction_reply *reply, struct ledger *to)
{
	struct recorder_message *m;

	if (!a->tx.open)
		return;
	m = transaction_end(&a->tx, content, accepted, reply);
	if (m == NULL)
		return;
	a->size = m->size;
	text_copy(a->queue_id, sizeof a->queue_id,
	    span_of(m->queue_id ? m->queue_id : ""));
	*to->messages = m;
	to->messages = &m->next;
}

static void
tx_left(struct account *a, struct ledger *to)
{
	struct transaction_reply none = { 0 };

	emit_message(a, NULL, false, &none, to);
}

static void
content_dropped(struct account *a)
{
	content_free(a->content);
	a->content = NULL;
	a->holed = false;
}

static void
content_over(struct account *a)
{
	if (a->holed) {
		content_dropped(a);
		return;
	}
	if (a->content == NULL)
		a->content = content_new(a->digest);
	dialogue_content(&a->dialogue, a->content);
	a->content = NULL;
}

void
account_gap(struct account *a)
{
	a->holed = true;
}

static void
enter_command(struct account *a, const struct smtp_event *ev, int64_t t_us)
{
	struct text argument = { 0 };

	if (ev->secret.n)
		secret_redact(&argument, ev->text, ev->secret);
	(void)dialogue_command(&a->dialogue, t_us, ev->verb,
	    ev->secret.n ? text_all(&argument) : ev->text);
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
		content_dropped(a);
		break;
	default:
		break;
	}
	if (ev->secret.n)
		secret_put(&a->secret, ev->secret, a->user, sizeof a->user);
}

static void
enter_credential(struct account *a, const struct smtp_event *ev, int64_t t_us)
{
	struct span shown = ev->secret.n ? SPAN(SECRET_STAND_IN) : ev->text;

	(void)dialogue_command(&a->dialogue, t_us, SMTP_AUTH, shown);
	if (ev->secret.n)
		secret_put(&a->secret, ev->secret, a->user, sizeof a->user);
}

static void
enter_content(struct account *a, const struct smtp_event *ev)
{
	if (a->content == NULL)
		a->content = content_new(a->digest);
	if (a->content)
		content_put(a->content, ev->raw, ev->verb == SMTP_DATA);
}

/* One of LMTP's replies, or the one reply, to the end of data. */
static void
tx_answered(struct account *a, const struct smtp_event *ev,
    const struct transaction_reply *reply, struct content *content,
    struct recorder_session *facts, struct ledger *to)
{
	bool accepted = ev->fact == SMTP_FACT_TX_COMMITTED;

	if (!a->tx.open)
		transaction_begin(&a->tx, SPAN(""));
	if (ev->per_rcpt)
		transaction_rcpt_final(&a->tx, ev->rcpt, reply);
	a->any_accepted |= accepted;
	if (!ev->answered)
		return;
	if (a->any_accepted)
		facts->messages++;
	emit_message(a, content, a->any_accepted, reply, to);
	a->any_accepted = false;
}

static void
tx_begun(struct account *a, const struct dialogue_command *c, struct ledger *to)
{
	struct span path = smtp_path(c->argument);

	tx_left(a, to);
	transaction_begin(&a->tx, path);
	text_copy(a->mail_from, sizeof a->mail_from, path);
	a->nrcpt = 0;
	a->size = 0;
	a->queue_id[0] = '\0';
	a->any_accepted = false;
}

/* What has become true with the last line of a reply to c. */
static void
enter_fact(struct account *a, const struct smtp_event *ev,
    const struct dialogue_command *c, const struct transaction_reply *reply,
    struct recorder_session *facts, struct ledger *to)
{
	switch (ev->fact) {
	case SMTP_FACT_IDENTIFIED:
		text_copy(facts->helo, sizeof facts->helo, c->argument);
		tx_left(a, to);
		break;
	case SMTP_FACT_GREETED:
	case SMTP_FACT_TX_RESET:
		tx_left(a, to);
		break;
	case SMTP_FACT_TX_BEGUN:
		tx_begun(a, c, to);
		break;
	case SMTP_FACT_RCPT_ACCEPTED:
		facts->recipients++;
		a->nrcpt++;
		/* fall through */
	case SMTP_FACT_RCPT_REFUSED:
		transaction_rcpt(&a->tx, smtp_path(c->argument), reply);
		break;
	case SMTP_FACT_DATA_BEGINS:
		if (ev->verb == SMTP_XEXCH50)
			break;
		content_dropped(a);
		a->content = content_new(a->digest);
		break;
	case SMTP_FACT_TX_COMMITTED:
	case SMTP_FACT_TX_REFUSED:
		tx_answered(a, ev, reply, c->content, facts, to);
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

static void
enter_reply(struct account *a, const struct smtp_event *ev, int64_t t_us,
    struct recorder_session *facts, struct ledger *to)
{
	struct span text = secret_echoed(&a->secret, ev->text) ?
	    SPAN(SECRET_STAND_IN) : ev->text;
	struct transaction_reply reply = { ev->code,
	    smtp_enhanced(ev->code, text), text };
	struct dialogue_command c = { .verb = SMTP_NONE };

	if (ev->code == 0)
		return;
	dialogue_reply(&a->dialogue, text);
	if (!ev->last)
		return;
	facts->last_code = ev->code;
	text_copy(a->enhanced, sizeof a->enhanced, reply.enhanced);
	(void)dialogue_oldest(&a->dialogue, &c);
	enter_fact(a, ev, &c, &reply, facts, to);
	if (ev->answered)
		dialogue_answer(&a->dialogue, to->exchanges, t_us, ev->code,
		    reply.enhanced, false);
	if (ev->fact == SMTP_FACT_DATA_BEGINS && ev->verb == SMTP_XEXCH50)
		(void)dialogue_command(&a->dialogue, t_us, SMTP_XEXCH50,
		    (struct span){ NULL, 0 });
	if (a->dialogue.n == 0)
		secret_forget(&a->secret);
}

void
account_note(struct account *a, int64_t t_us, enum smtp_side side,
    const char *name, const char *severity, struct span detail,
    struct recorder_session *facts, struct ledger *to)
{
	facts->events++;
	notes_put(&a->notes, to->events, t_us, side, name, severity, detail);
}

/* What an operator needs to find the place: the line, or where in the content. */
static void
describe(const struct account *a, const struct smtp_event *ev,
    struct text *out)
{
	struct span line = span_chomp(ev->raw);

	switch (ev->tile) {
	case SMTP_COMMAND:
	case SMTP_REPLY:
		secret_redact(out, line, account_secret(a, ev));
		if (out->n > DETAIL_MAX)
			out->n = DETAIL_MAX;
		break;
	case SMTP_CONTENT:
		text_str(out, "by octet ");
		text_int(out, a->content ? (int64_t)a->content->size : 0);
		text_str(out, " of the content");
		break;
	case SMTP_CREDENTIAL:
	case SMTP_END_OF_DATA:
	case SMTP_OPAQUE:
	case SMTP_TILES:
		text_str(out, smtp_tile_name(ev->tile));
	}
}

/* In content, one row for each kind in a message is enough. */
static uint64_t
unreported(struct account *a, const struct smtp_event *ev)
{
	uint64_t odd = ev->anomalies;

	if (ev->tile != SMTP_CONTENT || a->content == NULL)
		return odd;
	odd &= ~a->content->reported;
	a->content->reported |= odd;
	return odd;
}

static void
enter_anomalies(struct account *a, const struct smtp_event *ev, int64_t t_us,
    struct recorder_session *facts, struct ledger *to)
{
	uint64_t odd = unreported(a, ev);
	struct text detail = { 0 };

	if (odd == 0)
		return;
	describe(a, ev, &detail);
	facts->events += notes_anomalies(&a->notes, to->events, t_us, ev->side,
	    odd, text_all(&detail));
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
enter_header(struct account *a, int64_t t_us, struct recorder_session *facts,
    struct ledger *to)
{
	if (a->content && !a->holed)
		facts->events += notes_anomalies(&a->notes, to->events, t_us,
		    SMTP_CLIENT, message_odd(text_all(&a->content->header)),
		    SPAN("header"));
}

void
account_event(struct account *a, const struct smtp_event *ev, int64_t t_us,
    struct recorder_session *facts, struct ledger *to)
{
	/* A reply is described while the echo is still known. */
	if (ev->tile != SMTP_CONTENT)
		enter_anomalies(a, ev, t_us, facts, to);
	switch (ev->tile) {
	case SMTP_COMMAND:
		enter_command(a, ev, t_us);
		break;
	case SMTP_CREDENTIAL:
		enter_credential(a, ev, t_us);
		break;
	case SMTP_CONTENT:
		enter_content(a, ev);
		enter_anomalies(a, ev, t_us, facts, to);
		break;
	case SMTP_END_OF_DATA:
		(void)dialogue_command(&a->dialogue, t_us, SMTP_END,
		    (struct span){ NULL, 0 });
		break;
	case SMTP_REPLY:
		enter_reply(a, ev, t_us, facts, to);
		break;
	case SMTP_OPAQUE:
	case SMTP_TILES:
		break;
	}
	if (ends_content(ev)) {
		enter_header(a, t_us, facts, to);
		content_over(a);
	}
}

void
account_own(struct account *a, struct span line, int64_t t_us,
    struct recorder_session *facts, struct ledger *to)
{
	struct span text = span_chomp(line);
	int code = 0;

	for (size_t i = 0; i < 3 && i < text.n; i++)
		code = code * 10 + (text.p[i] - '0');
	text = span_from(text, text.n < 4 ? text.n : 4);
	facts->last_code = code;
	dialogue_reply(&a->dialogue, text);
	dialogue_answer(&a->dialogue, to->exchanges, t_us, code,
	    smtp_enhanced(code, text), true);
}

void
account_end(struct account *a, int64_t t_us, struct recorder_session *facts,
    struct ledger *to)
{
	const struct smtp_anomaly_row *cut = smtp_anomaly(SMTP_ODD_CUT_SHORT);
	struct transaction_reply none = { 0 };
	struct dialogue_command c;

	/* The engine has no event to tell it with: all bytes were understood. */
	if (a->content && !(a->content->reported & SMTP_ODD(CUT_SHORT)))
		account_note(a, t_us, SMTP_CLIENT, cut->name, cut->severity,
		    SPAN("within the content"), facts, to);
	/* Content was sent whole, but the reply never came. */
	if (dialogue_oldest(&a->dialogue, &c) && c.content)
		emit_message(a, c.content, false, &none, to);
	tx_left(a, to);
	dialogue_end(&a->dialogue, to->exchanges);
}
