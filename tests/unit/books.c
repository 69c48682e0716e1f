#include "tests/unit/books.h"

#include <check.h>
#include <stdlib.h>

struct books b;

static struct ledger
ledger(void)
{
	return (struct ledger){ &b.exchanges, &b.events, b.end };
}

void
books_open(void)
{
	b = (struct books){ 0 };
	b.end = &b.messages;
	smtp_start(&b.smtp);
	account_open(&b.account, true);
}

void
books_free(void)
{
	struct recorder_message *next;

	account_free(&b.account);
	text_free(&b.exchanges);
	text_free(&b.events);
	for (; b.messages; b.messages = next) {
		next = b.messages->next;
		free(b.messages);
	}
}

void
say_so(enum smtp_side side, const char *bytes, enum tap_fate fate)
{
	struct span in = span_of(bytes);
	struct smtp_event ev;
	struct ledger to;

	while (smtp_next(&b.smtp, side, &in, &ev) == SMTP_EVENT) {
		to = ledger();
		account_event(&b.account, &ev, fate, b.t_us++, &b.facts, &to);
		b.end = to.messages;
		if (fate == TAP_WITHHELD && side == SMTP_CLIENT &&
		    ev.tile != SMTP_CONTENT)
			smtp_withdraw(&b.smtp, &ev);
	}
	ck_assert_uint_eq(in.n, 0);
}

static void
say(enum smtp_side side, const char *bytes)
{
	say_so(side, bytes, TAP_FORWARDED);
}

void
C(const char *bytes)
{
	say(SMTP_CLIENT, bytes);
}

void
S(const char *bytes)
{
	say(SMTP_SERVER, bytes);
}

void
withheld(const char *bytes)
{
	say_so(SMTP_CLIENT, bytes, TAP_WITHHELD);
}

void
edited(const char *bytes, const char *given)
{
	say_so(SMTP_CLIENT, bytes, TAP_EDITED);
	account_given(&b.account, span_of(given));
	account_changed(&b.account, &b.facts);
}

void
own(const char *line)
{
	struct ledger to = ledger();

	account_own(&b.account, span_of(line), b.t_us++, &b.facts, &to);
	b.end = to.messages;
}

void
end(void)
{
	struct ledger to = ledger();

	account_end(&b.account, b.t_us, &b.facts, &to);
	b.end = to.messages;
}

bool
has(struct text *t, const char *what)
{
	return t->n && memmem(t->p, t->n, what, strlen(what)) != NULL;
}

void
begin(void)
{
	S("220 mx ESMTP\r\n");
	C("EHLO c.example\r\n");
	S("250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN LOGIN\r\n");
}
