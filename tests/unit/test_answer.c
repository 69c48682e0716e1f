/* What the sink answers, and that engine and sink stay in step. */
#include <check.h>
#include <stdlib.h>

#include "record/text.h"
#include "replay/answer.h"

/* The codes of all replies to these bytes, the greeting's first. */
static void
check_codes(const char *bytes, const struct answer_refusal *refusal,
    const char *expected)
{
	uint64_t queue_id = 0xabc;
	struct answer a = { .refusals = refusal, .nrefusals = refusal != NULL,
	    .queue_id = &queue_id };
	struct span in = span_of(bytes), said;
	struct smtp_session smtp;
	struct smtp_event ev;
	struct text codes = { 0 };
	char out[ANSWER_MAX];
	size_t n = answer_greeting(&a, out);

	smtp_start(&smtp);
	smtp_strict(&smtp, true);
	for (;;) {
		said = (struct span){ out, n };
		while (smtp_next(&smtp, SMTP_SERVER, &said, &ev) == SMTP_EVENT) {
			answer_fact(&a, ev.fact);
			if (ev.last)
				text_printf(&codes, "%d ", ev.code);
			ck_assert_uint_eq(ev.anomalies &
			    (SMTP_ODD(UNSOLICITED) | SMTP_ODD(BAD_REPLY)), 0);
		}
		if (a.due)
			n = answer_due(&a, out);
		else if (smtp_next(&smtp, SMTP_CLIENT, &in, &ev) == SMTP_EVENT)
			n = answer_event(&a, &ev, out);
		else
			break;
		ck_assert_uint_lt(n, ANSWER_MAX);
	}
	ck_assert_uint_eq(in.n, 0);
	text_put(&codes, "", 1);
	ck_assert_str_eq(codes.p, expected);
	text_free(&codes);
}

START_TEST(every_command_has_its_reply)
{
	check_codes("HELO c\r\nNOOP\r\nVRFY x\r\nHELP\r\nFOO\r\nTURN\r\n"
	    "EXPN x\r\nRSET\r\n\r\nQUIT\r\n", NULL,
	    "220 250 250 252 214 500 502 502 250 500 221 ");
}
END_TEST

START_TEST(a_pipelined_message_is_followed)
{
	check_codes("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
	    "..x\r\n.\r\nMAIL FROM:<a@b>\r\n", NULL,
	    "220 250 250 250 354 250 250 ");
}
END_TEST

START_TEST(only_crlf_dot_crlf_ends_content)
{
	check_codes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\n.\r\n"
	    "MAIL FROM:<e@f>\r\nRCPT TO:<g@h>\r\nDATA\r\n.\r\nQUIT\r\n",
	    NULL, "220 250 250 354 250 221 ");
}
END_TEST

START_TEST(chunks_are_counted)
{
	check_codes("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
	    "BDAT 6\r\nQUIT\r\nBDAT 0\r\nBDAT 1 LAST\r\nxBDAT 2\r\nxx"
	    "BDAT x\r\n", NULL, "220 250 250 250 250 250 250 503 501 ");
}
END_TEST

START_TEST(out_of_order_is_503)
{
	check_codes("RCPT TO:<c@d>\r\nDATA\r\nMAIL FROM:<a@b>\r\n"
	    "MAIL FROM:<a@b>\r\nDATA\r\nRSET\r\nRCPT TO:<c@d>\r\n", NULL,
	    "220 503 503 250 503 503 250 503 ");
}
END_TEST

START_TEST(lmtp_answers_for_each_recipient)
{
	check_codes("LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
	    "RCPT TO:<e@f>\r\nRCPT TO:<g@h>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
	    NULL, "220 250 250 250 250 250 354 250 250 250 221 ");
}
END_TEST

START_TEST(plain_and_login_are_accepted)
{
	check_codes("AUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGEAYg==\r\n", NULL,
	    "220 235 503 ");
	check_codes("AUTH PLAIN\r\nAGEAYg==\r\n", NULL, "220 334 235 ");
	check_codes("AUTH LOGIN\r\nYQ==\r\nYg==\r\nNOOP\r\n", NULL,
	    "220 334 334 235 250 ");
	check_codes("AUTH LOGIN YQ==\r\nYg==\r\n", NULL, "220 334 235 ");
	check_codes("AUTH LOGIN\r\n*\r\nNOOP\r\n", NULL, "220 334 501 250 ");
	check_codes("AUTH CRAM-MD5\r\nNOOP\r\n", NULL, "220 504 250 ");
}
END_TEST

START_TEST(a_refusal_is_followed)
{
	struct answer_refusal r;

	ck_assert(answer_parse_refusal("rcpt:550 5.1.1 no", &r));
	check_codes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nQUIT\r\n",
	    &r, "220 250 550 503 221 ");
	ck_assert(answer_parse_refusal("DATA:451 later", &r));
	check_codes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nQUIT\r\n",
	    &r, "220 250 250 451 221 ");
	ck_assert(answer_parse_refusal(".:554 no", &r));
	check_codes("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\n"
	    "RCPT TO:<c@d>\r\n", &r, "220 250 250 354 554 503 ");
	ck_assert(answer_parse_refusal("CONNECT:554", &r));
	check_codes("", &r, "554 ");
	ck_assert(answer_parse_refusal("BDAT:552 5.3.4 big", &r));
	check_codes("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
	    "BDAT 3 LAST\r\nabcNOOP\r\n", &r,
	    "220 250 250 250 552 250 ");
}
END_TEST

START_TEST(what_is_no_refusal_is_not_taken)
{
	static const char *const bad[] = {
		"", "RCPT", "RCPT:", "RCPT:no", "RCPT:55", "RCPT:650 x",
		"RCPT:5500", "RCPT:550-x", "FOO:550 x", ":550 x",
		"RCPT:550 a\r\n250 b",
	};
	struct answer_refusal r;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!answer_parse_refusal(bad[i], &r), "%s", bad[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("answer");
	TCase *tests = tcase_create("answer");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, every_command_has_its_reply);
	tcase_add_test(tests, a_pipelined_message_is_followed);
	tcase_add_test(tests, only_crlf_dot_crlf_ends_content);
	tcase_add_test(tests, chunks_are_counted);
	tcase_add_test(tests, out_of_order_is_503);
	tcase_add_test(tests, lmtp_answers_for_each_recipient);
	tcase_add_test(tests, plain_and_login_are_accepted);
	tcase_add_test(tests, a_refusal_is_followed);
	tcase_add_test(tests, what_is_no_refusal_is_not_taken);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
