/* account_own: what smtptap itself says in a session. */
#include "record/account_part.h"

void
account_hold_starttls(struct account *a)
{
	struct dialogue_command c;

	if (!dialogue_answered(&a->dialogue, false, &c))
		return;
	a->securing = true;
	a->starttls_us = c.t_us;
	dialogue_take_back(&a->dialogue);
}

void
account_release_starttls(struct account *a)
{
	if (a->securing)
		(void)dialogue_command(&a->dialogue, a->starttls_us,
		    SMTP_STARTTLS, (struct span){ NULL, 0 }, false);
	a->securing = false;
}

/* What has become true with a reply of ours to c. */
static void
enter_own(struct account *a, const struct dialogue_command *c,
    const struct transaction_reply *reply, struct recorder_session *facts,
    struct ledger *to)
{
	if (c->verb == SMTP_RCPT)
		delivery_rcpt(&a->delivery, smtp_path(c->argument), false,
		    reply);
	if (c->verb == SMTP_END || c->verb == SMTP_BDAT_LAST)
		delivery_over(&a->delivery, reply, c->content, facts, to);
}

void
account_own(struct account *a, struct span line, int64_t t_us,
    struct recorder_session *facts, struct ledger *to)
{
	struct span text = span_chomp(line);
	struct transaction_reply reply = { 0 };
	struct dialogue_command c;

	account_settle(a, facts, to);
	for (size_t i = 0; i < 3 && i < text.n; i++)
		reply.code = reply.code * 10 + (text.p[i] - '0');
	reply.text = span_from(text, text.n < 4 ? text.n : 4);
	reply.enhanced = smtp_enhanced(reply.code, reply.text);
	account_told(a, &reply, facts);
	account_release_starttls(a);
	dialogue_reply(&a->dialogue, reply.text);
	if (dialogue_answered(&a->dialogue, true, &c)) {
		facts->rewritten += c.withheld;
		enter_own(a, &c, &reply, facts, to);
	}
	dialogue_answer(&a->dialogue, to->exchanges, t_us, reply.code,
	    reply.enhanced, true);
}

void
account_said(struct account *a, struct span line, int64_t t_us)
{
	struct smtp_session alone;
	struct smtp_event ev;

	smtp_start(&alone);
	if (smtp_next(&alone, SMTP_CLIENT, &line, &ev) == SMTP_EVENT &&
	    ev.tile == SMTP_COMMAND)
		a->asked = dialogue_command(&a->dialogue, t_us, ev.verb,
		    ev.text, false);
}
