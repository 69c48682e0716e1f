/* What the books of a session say: exchanges, messages, events, secrets. */
#include <check.h>
#include <stdlib.h>

#include "record/account.h"

/* A session's books, fed with what both sides say, in order. */
struct books {
	struct smtp_session smtp;
	struct account account;
	struct recorder_session facts;
	struct text exchanges, events;
	struct recorder_message *messages, **end;
	int64_t t_us;
};

static struct books b;

static struct ledger
ledger(void)
{
	return (struct ledger){ &b.exchanges, &b.events, b.end };
}

static void
setup(void)
{
	b = (struct books){ 0 };
	b.end = &b.messages;
	smtp_start(&b.smtp);
	account_open(&b.account, true);
}

static void
teardown(void)
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

static void
say(enum smtp_side side, const char *bytes)
{
	struct span in = span_of(bytes);
	struct smtp_event ev;
	struct ledger to;

	while (smtp_next(&b.smtp, side, &in, &ev) == SMTP_EVENT) {
		to = ledger();
		account_event(&b.account, &ev, TAP_FORWARDED, b.t_us++, &b.facts, &to);
		b.end = to.messages;
	}
	ck_assert_uint_eq(in.n, 0);
}

static void
C(const char *bytes)
{
	say(SMTP_CLIENT, bytes);
}

static void
S(const char *bytes)
{
	say(SMTP_SERVER, bytes);
}

static void
end(void)
{
	struct ledger to = ledger();

	account_end(&b.account, b.t_us, &b.facts, &to);
	b.end = to.messages;
}

static bool
has(struct text *t, const char *what)
{
	return t->n && memmem(t->p, t->n, what, strlen(what)) != NULL;
}

static void
begin(void)
{
	S("220 mx ESMTP\r\n");
	C("EHLO c.example\r\n");
	S("250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN LOGIN\r\n");
}

START_TEST(exchange_pairs_a_command_with_its_reply)
{
	begin();
	ck_assert(has(&b.exchanges,
	    "[0,\"CONNECT\",null,null,220,null,\"mx ESMTP\",0,\"server\"]"));
	ck_assert(has(&b.exchanges, ",\"EHLO\",\"c.example\",1,250,null,"
	    "\"mx\\nPIPELINING\\nCHUNKING\\nAUTH PLAIN LOGIN\","));
	ck_assert_str_eq(b.facts.helo, "c.example");
}
END_TEST

START_TEST(message_has_envelope_size_digest_and_queue_id)
{
	/* printf 'Subject: x\r\n\r\n.a\r\n' | sha256sum | cut -c1-8 */
	static const unsigned char digest[4] = { 0x13, 0xd6, 0x81, 0xbe };

	begin();
	C("MAIL FROM:<a@x.example> SIZE=9\r\nRCPT TO:<b@y.example>\r\n"
	    "RCPT TO:<c@y.example>\r\n");
	S("250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n550 5.1.1 no such user\r\n");
	C("DATA\r\n");
	S("354 go\r\n");
	C("Subject: x\r\n\r\n..a\r\n.\r\n");
	S("250 2.0.0 Ok: queued as 4XyZ\r\n");
	ck_assert_ptr_nonnull(b.messages);
	ck_assert_str_eq(b.messages->mail_from, "a@x.example");
	ck_assert_str_eq(b.messages->recipients,
	    "[[\"b@y.example\",250,\"2.1.5\",\"2.1.5 Ok\"],"
	    "[\"c@y.example\",550,\"5.1.1\",\"5.1.1 no such user\"]]");
	ck_assert(b.messages->accepted);
	ck_assert_uint_eq(b.messages->size, 18);
	ck_assert_mem_eq(b.messages->sha256, digest, sizeof digest);
	ck_assert_str_eq(b.messages->subject, "x");
	ck_assert_str_eq(b.messages->queue_id, "4XyZ");
	ck_assert_uint_eq(b.facts.messages, 1);
	ck_assert_uint_eq(b.facts.recipients, 1);
}
END_TEST

START_TEST(reset_transaction_is_kept_as_a_message_without_content)
{
	begin();
	C("MAIL FROM:<a@x.example>\r\n");
	S("250 ok\r\n");
	C("RSET\r\n");
	S("250 ok\r\n");
	ck_assert_ptr_nonnull(b.messages);
	ck_assert(!b.messages->accepted && !b.messages->content);
	ck_assert_uint_eq(b.facts.messages, 0);
}
END_TEST

START_TEST(pipelined_chunks_give_each_message_its_own_content)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 3\r\nab\nBDAT 2 LAST\r\ncd"
	    "MAIL FROM:<c@x>\r\nRCPT TO:<b@y>\r\nBDAT 0 LAST\r\n");
	S("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n"
	    "250 ok\r\n250 ok\r\n250 ok\r\n");
	ck_assert_uint_eq(b.facts.messages, 2);
	ck_assert_uint_eq(b.messages->size, 5);
	ck_assert_uint_eq(b.messages->next->size, 0);
	ck_assert(b.messages->next->content);
}
END_TEST

START_TEST(lmtp_recipients_get_their_own_final_replies)
{
	S("220 lmtp\r\n");
	C("LHLO c\r\n");
	S("250 lmtp\r\n");
	C("MAIL FROM:<a@x>\r\n");
	S("250 ok\r\n");
	C("RCPT TO:<p@y>\r\n");
	S("250 ok\r\n");
	C("RCPT TO:<q@y>\r\n");
	S("250 ok\r\n");
	C("DATA\r\n");
	S("354 go\r\n");
	C("x\r\n.\r\n");
	S("250 2.0.0 p has it\r\n452 4.2.2 q is full\r\n");
	ck_assert_str_eq(b.messages->recipients,
	    "[[\"p@y\",250,\"2.0.0\",\"2.0.0 p has it\"],"
	    "[\"q@y\",452,\"4.2.2\",\"4.2.2 q is full\"]]");
	ck_assert(b.messages->accepted);
	ck_assert_uint_eq(b.facts.messages, 1);
}
END_TEST

START_TEST(credentials_reach_no_table_but_the_users_name_does)
{
	begin();
	C("AUTH PLAIN AHRlc3QAczNjcjN0\r\n");
	S("235 2.7.0 ok\r\n");
	ck_assert(!has(&b.exchanges, "AHRlc3QA"));
	ck_assert(has(&b.exchanges, "PLAIN " SECRET_STAND_IN));
	ck_assert_str_eq(b.facts.auth_user, "test");
	C("AUTH LOGIN\r\n");
	S("334 VXNlcm5hbWU6\r\n");
	C("am9l\r\n");
	S("334 UGFzc3dvcmQ6\r\n");
	C("czNjcjN0\r\n");
	S("535 5.7.8 no\r\n");
	ck_assert(!has(&b.exchanges, "czNjcjN0"));
	ck_assert_str_eq(b.facts.auth_user, "test");
}
END_TEST

START_TEST(echo_of_a_credential_is_replaced_too)
{
	begin();
	C("AUTH PLAIN\r\n");
	S("504 5.5.4 no\r\n");
	C("AHRlc3QAczNjcjN0\r\n");
	S("500 5.5.1 Command unrecognized: \"AHRlc3QAczNjcjN0\"\r\n");
	ck_assert(!has(&b.exchanges, "AHRlc3QA"));
	ck_assert(!has(&b.events, "AHRlc3QA"));
	ck_assert(has(&b.exchanges, SECRET_STAND_IN));
}
END_TEST

START_TEST(event_names_the_line_and_is_one_row_a_message_in_content)
{
	begin();
	C("FROB x\r\n");
	S("500 what\r\n");
	ck_assert(has(&b.events, "\"unknown-verb\",\"notice\",\"FROB x\",null]"));
	C("MAIL FROM:<a@x>\r\n");
	S("250 ok\r\n");
	C("RCPT TO:<a@x>\r\n");
	S("250 ok\r\n");
	C("DATA\r\n");
	S("354 go\r\n");
	C("Subject: x\n\na\nb\n");
	C("c\nd\r\n.\r\n");
	ck_assert_uint_eq(b.facts.events, 2);
}
END_TEST

START_TEST(odd_header_is_told_at_the_end_of_its_message)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 24\r\n"
	    "From: a@x\r\nFrom: b@x\r\n\r\nBDAT 0 LAST\r\n");
	ck_assert(has(&b.events,
	    "\"duplicate-field\",\"warning\",\"header\",null]"));
	ck_assert_uint_eq(b.facts.events, 1);
}
END_TEST

START_TEST(commands_without_reply_are_kept_at_the_end)
{
	begin();
	C("MAIL FROM:<a@x>\r\n");
	end();
	ck_assert(has(&b.exchanges,
	    "\"MAIL\",\"FROM:<a@x>\",1,null,null,null,null,null]"));
}
END_TEST

START_TEST(content_that_never_ended_is_told)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
	S("250 ok\r\n250 ok\r\n354 go\r\n");
	C("Subject: x\r\n\r\nhal");
	end();
	ck_assert(has(&b.events, "\"cut-short\",\"warning\","
	    "\"within the content\",null]"));
	ck_assert(!b.messages->accepted && !b.messages->content);
}
END_TEST

START_TEST(unknown_verb_is_called_what_the_client_called_it)
{
	begin();
	C("XFOO 1 2\r\n");
	S("500 no\r\n");
	ck_assert(has(&b.exchanges, "\"XFOO\",\"1 2\",1,500,"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("account");
	TCase *t = tcase_create("books");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, exchange_pairs_a_command_with_its_reply);
	tcase_add_test(t, message_has_envelope_size_digest_and_queue_id);
	tcase_add_test(t, reset_transaction_is_kept_as_a_message_without_content);
	tcase_add_test(t, pipelined_chunks_give_each_message_its_own_content);
	tcase_add_test(t, lmtp_recipients_get_their_own_final_replies);
	tcase_add_test(t, credentials_reach_no_table_but_the_users_name_does);
	tcase_add_test(t, echo_of_a_credential_is_replaced_too);
	tcase_add_test(t, event_names_the_line_and_is_one_row_a_message_in_content);
	tcase_add_test(t, odd_header_is_told_at_the_end_of_its_message);
	tcase_add_test(t, commands_without_reply_are_kept_at_the_end);
	tcase_add_test(t, content_that_never_ended_is_told);
	tcase_add_test(t, unknown_verb_is_called_what_the_client_called_it);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
