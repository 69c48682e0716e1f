/* What the books of a session say: exchanges, events, secrets. */
#include <check.h>

#include "tests/unit/books.h"

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

START_TEST(commands_without_reply_are_kept_at_the_end)
{
	begin();
	C("MAIL FROM:<a@x>\r\n");
	end();
	ck_assert(has(&b.exchanges,
	    "\"MAIL\",\"FROM:<a@x>\",1,null,null,null,null,null]"));
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

START_TEST(withheld_command_is_answered_by_us_in_its_place)
{
	begin();
	C("MAIL FROM:<a@x>\r\n");
	withheld("VRFY b\r\n");
	C("NOOP\r\n");
	S("250 ok\r\n");
	own("502 5.5.1 no\r\n");
	S("250 noop\r\n");
	ck_assert(has(&b.exchanges, "\"MAIL\",\"FROM:<a@x>\",1,250,"));
	ck_assert(has(&b.exchanges, "\"VRFY\",\"b\",0,502,\"5.5.1\","
	    "\"5.5.1 no\",3,\"smtptap\"]"));
	ck_assert(has(&b.exchanges, "\"NOOP\",null,1,250,null,\"noop\","));
	ck_assert_int_eq(b.facts.last_code, 250);
}
END_TEST

START_TEST(servers_reply_never_answers_what_it_was_not_given)
{
	begin();
	withheld("VRFY b\r\n");
	S("421 going\r\n");
	own("502 no\r\n");
	ck_assert(has(&b.exchanges, "\"\",null,null,421,null,\"going\",0,"
	    "\"server\"]"));
	ck_assert(has(&b.exchanges, "\"VRFY\",\"b\",0,502,"));
}
END_TEST

START_TEST(command_withheld_in_silence_leaves_the_next_its_reply)
{
	begin();
	withheld("VRFY b\r\n");
	C("NOOP\r\n");
	S("250 noop\r\n");
	ck_assert(has(&b.exchanges,
	    "\"VRFY\",\"b\",0,null,null,null,null,null]"));
	ck_assert(has(&b.exchanges, "\"NOOP\",null,1,250,null,\"noop\","));
}
END_TEST

START_TEST(last_code_is_of_a_reply_that_the_client_was_given)
{
	begin();
	C("NOOP\r\n");
	own("421 4.7.0 closing\r\n");
	say_so(SMTP_SERVER, "550 5.0.0 noop\r\n", TAP_WITHHELD);
	ck_assert_int_eq(b.facts.last_code, 421);
	ck_assert_str_eq(b.account.enhanced, "4.7.0");
}
END_TEST

START_TEST(what_nobody_was_there_to_take_is_not_rewritten)
{
	begin();
	say_so(SMTP_CLIENT, "QUIT\r\n", TAP_UNSENT);
	end();
	ck_assert(has(&b.exchanges, "\"QUIT\",null,0,null,"));
	ck_assert_uint_eq(b.facts.rewritten, 0);
}
END_TEST

START_TEST(withheld_command_that_is_never_answered_is_kept)
{
	begin();
	withheld("VRFY b\r\n");
	end();
	ck_assert(has(&b.exchanges,
	    "\"VRFY\",\"b\",0,null,null,null,null,null]"));
}
END_TEST

START_TEST(rewritten_counts_commands_replies_and_contents_once)
{
	begin();
	withheld("VRFY b\r\n");
	own("502 no\r\n");
	C("HELP\r\n");
	say_so(SMTP_SERVER, "214-a\r\n214-b\r\n214 c\r\n", TAP_WITHHELD);
	ck_assert_uint_eq(b.facts.rewritten, 3);
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
	S("250 ok\r\n250 ok\r\n354 go\r\n");
	withheld("a\r\n");
	withheld("b\r\n.c\r\n");
	ck_assert_uint_eq(b.facts.rewritten, 4);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("account");
	TCase *t = tcase_create("books");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, books_open, books_free);
	tcase_add_test(t, exchange_pairs_a_command_with_its_reply);
	tcase_add_test(t, credentials_reach_no_table_but_the_users_name_does);
	tcase_add_test(t, echo_of_a_credential_is_replaced_too);
	tcase_add_test(t, event_names_the_line_and_is_one_row_a_message_in_content);
	tcase_add_test(t, commands_without_reply_are_kept_at_the_end);
	tcase_add_test(t, unknown_verb_is_called_what_the_client_called_it);
	tcase_add_test(t, withheld_command_is_answered_by_us_in_its_place);
	tcase_add_test(t, servers_reply_never_answers_what_it_was_not_given);
	tcase_add_test(t, withheld_command_that_is_never_answered_is_kept);
	tcase_add_test(t,
	    command_withheld_in_silence_leaves_the_next_its_reply);
	tcase_add_test(t, last_code_is_of_a_reply_that_the_client_was_given);
	tcase_add_test(t, what_nobody_was_there_to_take_is_not_rewritten);
	tcase_add_test(t, rewritten_counts_commands_replies_and_contents_once);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
