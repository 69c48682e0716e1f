/* What becomes of mail on its way: transactions, contents, messages. */
#include <check.h>

#include "tests/unit/books.h"

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

START_TEST(recipient_refused_by_us_has_our_code)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n");
	withheld("RCPT TO:<c@y>\r\n");
	S("250 ok\r\n250 ok\r\n");
	own("452 4.5.3 too many\r\n");
	C("RSET\r\n");
	S("250 ok\r\n");
	ck_assert_str_eq(b.messages->recipients,
	    "[[\"b@y\",250,null,\"ok\"],"
	    "[\"c@y\",452,\"4.5.3\",\"4.5.3 too many\"]]");
	ck_assert_uint_eq(b.facts.recipients, 1);
}
END_TEST

START_TEST(mail_refused_by_us_opens_no_transaction)
{
	begin();
	withheld("MAIL FROM:<a@x>\r\n");
	own("550 5.7.1 no\r\n");
	C("RCPT TO:<b@y>\r\n");
	S("503 need mail\r\n");
	end();
	ck_assert_ptr_null(b.messages);
}
END_TEST

static void
begin_data(void)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
	S("250 ok\r\n250 ok\r\n354 go\r\n");
}

START_TEST(message_refused_by_us_has_what_the_server_was_given)
{
	begin_data();
	C("Subject: x\r\n\r\n");
	withheld("a\nb\r\n.\r\n");
	own("550 5.6.11 bare\r\n");
	ck_assert_ptr_nonnull(b.messages);
	ck_assert(b.messages->content && !b.messages->accepted);
	ck_assert_uint_eq(b.messages->size, 14);
	ck_assert_int_eq(b.messages->code, 550);
	ck_assert_str_eq(b.messages->reply, "5.6.11 bare");
	ck_assert_uint_eq(b.facts.messages, 0);
}
END_TEST

START_TEST(last_chunk_refused_by_us_ends_its_message)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 3\r\nab\n");
	S("250 ok\r\n250 ok\r\n250 ok\r\n");
	withheld("BDAT 2 LAST\r\ncd");
	own("552 5.3.4 too long\r\n");
	ck_assert_ptr_nonnull(b.messages);
	ck_assert(!b.messages->accepted);
	ck_assert_int_eq(b.messages->code, 552);
	ck_assert_uint_eq(b.messages->size, 3);
}
END_TEST

START_TEST(edited_content_counts_as_the_server_was_given_it)
{
	/* printf '.\r\nb c\r\n' | sha256sum | cut -c1-8 */
	static const unsigned char digest[4] = { 0x46, 0x2f, 0x4f, 0x6b };

	begin_data();
	edited("x", "..\r\nb");
	edited("\n", " ");
	C("c\r\n.\r\n");
	S("250 ok\r\n");
	ck_assert_uint_eq(b.messages->size, 8);
	ck_assert_mem_eq(b.messages->sha256, digest, sizeof digest);
	ck_assert_uint_eq(b.facts.rewritten, 1);
}
END_TEST

START_TEST(header_of_edited_content_is_that_which_the_server_was_given)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n");
	C("BDAT 11 LAST\r\n");
	edited("From: a@x\r\n", "From: a@x\r\nFrom: b@x\r\n");
	S("250 ok\r\n250 ok\r\n250 ok\r\n");
	ck_assert(has(&b.events,
	    "\"duplicate-field\",\"warning\",\"header or part\",null]"));
	ck_assert_uint_eq(b.messages->size, 22);
}
END_TEST

START_TEST(content_that_was_never_asked_for_is_not_cut_short)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n");
	S("250 ok\r\n250 ok\r\n");
	say_so(SMTP_SERVER, "354 go\r\n", TAP_WITHHELD);
	own("421 4.3.2 closing\r\n");
	end();
	ck_assert(!has(&b.events, "cut-short"));
	ck_assert(!b.messages->content);
}
END_TEST

START_TEST(withheld_reset_leaves_the_content_under_way)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 3\r\nab\n");
	S("250 ok\r\n250 ok\r\n250 ok\r\n");
	withheld("RSET\r\n");
	own("502 no\r\n");
	C("BDAT 2 LAST\r\ncd");
	S("250 ok\r\n");
	ck_assert_uint_eq(b.messages->size, 5);
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

START_TEST(odd_header_is_told_at_the_end_of_its_message)
{
	begin();
	C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 24\r\n"
	    "From: a@x\r\nFrom: b@x\r\n\r\nBDAT 0 LAST\r\n");
	ck_assert(has(&b.events,
	    "\"duplicate-field\",\"warning\",\"header or part\",null]"));
	ck_assert_uint_eq(b.facts.events, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("delivery");
	TCase *t = tcase_create("books");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, books_open, books_free);
	tcase_add_test(t, message_has_envelope_size_digest_and_queue_id);
	tcase_add_test(t, reset_transaction_is_kept_as_a_message_without_content);
	tcase_add_test(t, pipelined_chunks_give_each_message_its_own_content);
	tcase_add_test(t, lmtp_recipients_get_their_own_final_replies);
	tcase_add_test(t, recipient_refused_by_us_has_our_code);
	tcase_add_test(t, mail_refused_by_us_opens_no_transaction);
	tcase_add_test(t, message_refused_by_us_has_what_the_server_was_given);
	tcase_add_test(t, last_chunk_refused_by_us_ends_its_message);
	tcase_add_test(t, edited_content_counts_as_the_server_was_given_it);
	tcase_add_test(t, header_of_edited_content_is_that_which_the_server_was_given);
	tcase_add_test(t, content_that_was_never_asked_for_is_not_cut_short);
	tcase_add_test(t, withheld_reset_leaves_the_content_under_way);
	tcase_add_test(t, content_that_never_ended_is_told);
	tcase_add_test(t, odd_header_is_told_at_the_end_of_its_message);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
