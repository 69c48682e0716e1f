/* Replies as they look when they do not tell who made them. */
#include <check.h>
#include <stdlib.h>

#include "tests/unit/scrubbing.h"

static void
expect_of(const struct scrub *s, int which, enum smtp_verb verb,
    const char *line, const char *want)
{
	char out[4096];
	size_t n = scrubbed(s, verb, span_of(line), !(which & LATER),
	    GATE_EDITS_MAX, out);

	ck_assert_msg(n == strlen(want) && memcmp(out, want, n) == 0,
	    "%s became \"%.*s\", not \"%s\"", line, (int)n, out, want);
}

static void
expect(int which, enum smtp_verb verb, const char *line, const char *want)
{
	struct scrub s = options(which);

	expect_of(&s, which, verb, line, want);
}

START_TEST(words_are_the_standard_s_for_the_code)
{
	expect(TEXT, SMTP_UNKNOWN, "500 unrecognized command\r\n",
	    "500 Syntax error, command unrecognized\r\n");
	expect(TEXT, SMTP_UNKNOWN, "502 5.5.2 Error: command not recognized\r\n",
	    "502 5.5.2 Command not implemented\r\n");
	expect(TEXT, SMTP_QUIT, "221 2.0.0 Bye\r\n",
	    "221 2.0.0 Service closing transmission channel\r\n");
	expect(TEXT, SMTP_NONE, "421 4.4.2 mail.corp.example Error: timeout\r\n",
	    "421 4.4.2 Service not available, closing transmission channel\r\n");
	expect(TEXT, SMTP_DATA,
	    "354 Enter message, ending with \".\" on a line by itself\n",
	    "354 Start mail input; end with <CRLF>.<CRLF>\n");
	expect(TEXT, SMTP_RCPT, "550 5.1.1 <joe@x>: Recipient address rejected: "
	    "User unknown in local recipient table\r\n", "550 5.1.1 Requested "
	    "action not taken: mailbox unavailable\r\n");
	expect(TEXT, SMTP_STARTTLS, "220 TLS go ahead\r\n",
	    "220 Ready to start TLS\r\n");
	expect(TEXT, SMTP_CONNECT, "554 SMTP synchronization error\r\n",
	    "554 No SMTP service here\r\n");
	expect(TEXT, SMTP_BDAT, "521 5.5.4 Syntax: BDAT count [LAST]\r\n",
	    "521 5.5.4 Failure\r\n");
	expect(TEXT, SMTP_AUTH, "454 4.3.0 Try again later\r\n",
	    "454 4.3.0 Temporary authentication failure\r\n");
}
END_TEST

START_TEST(codes_without_a_phrase_get_that_of_their_class)
{
	expect(TEXT, SMTP_RCPT, "299 2.9.9 Mailer 4.2\r\n", "299 2.9.9 OK\r\n");
	expect(TEXT, SMTP_DATA, "399 Mailer 4.2\r\n", "399 Go ahead\r\n");
	expect(TEXT, SMTP_RCPT, "454 4.7.1 Relay access denied\r\n",
	    "454 4.7.1 Temporary failure\r\n");
	expect(TEXT, SMTP_MAIL, "571 5.7.1 Mailer 4.2\r\n",
	    "571 5.7.1 Failure\r\n");
	expect(TEXT, SMTP_MAIL, "999 Mailer 4.2\r\n", "999 Reply\r\n");
	expect(TEXT, SMTP_MAIL, "100 Mailer 4.2\r\n", "100 Reply\r\n");
}
END_TEST

START_TEST(every_line_of_a_reply_gets_the_phrase)
{
	expect(TEXT, SMTP_HELP, "214-2.0.0 This is sendmail\r\n",
	    "214-2.0.0 Help message\r\n");
	expect(TEXT | LATER, SMTP_HELP, "214-\tHELO\tEHLO\r\n",
	    "214-Help message\r\n");
	expect(TEXT | LATER, SMTP_HELP, "214-\r\n", "214-Help message\r\n");
	expect(TEXT | LATER, SMTP_HELP, "214 2.0.0 End of HELP info\r\n",
	    "214 2.0.0 Help message\r\n");
}
END_TEST

START_TEST(a_bare_code_stays_bare)
{
	expect(TEXT, SMTP_RSET, "250\r\n", "250\r\n");
	expect(TEXT, SMTP_RSET, "250 2.0.0\r\n", "250 2.0.0\r\n");
	expect(TEXT, SMTP_RSET, "250 2.0.0 \r\n", "250 2.0.0 \r\n");
}
END_TEST

START_TEST(no_enhanced_status_code_is_invented_nor_lost)
{
	expect(TEXT, SMTP_MAIL, "250 OK\r\n",
	    "250 Requested mail action okay, completed\r\n");
	expect(TEXT, SMTP_MAIL, "250 2.1.0\tSender ok\r\n",
	    "250 2.1.0\tRequested mail action okay, completed\r\n");
	/* not one: of another class, or Exchange's old form */
	expect(TEXT, SMTP_MAIL, "500 4.1.1 x\r\n",
	    "500 Syntax error, command unrecognized\r\n");
	expect(TEXT, SMTP_MAIL, "500 #5.5.1 x\r\n",
	    "500 Syntax error, command unrecognized\r\n");
}
END_TEST

START_TEST(the_greeting_is_the_banner_s)
{
	expect(TEXT, SMTP_CONNECT, "220 mail.corp.example ESMTP Exim 4.96\r\n",
	    "220 mail.corp.example ESMTP Exim 4.96\r\n");
	expect(TEXT, SMTP_XCLIENT, "220 mail.corp.example ESMTP Postfix\r\n",
	    "220 mail.corp.example ESMTP Postfix\r\n");
	expect(HOSTS | TEXT, SMTP_CONNECT, "220 unheard-of.example ESMTP\r\n",
	    "220 front.example ESMTP\r\n");
}
END_TEST

START_TEST(of_the_line_that_identifies_the_host_stays)
{
	expect(TEXT, SMTP_EHLO, "250-mail.corp.example Hello c [10.0.0.5]\r\n",
	    "250-mail.corp.example\r\n");
	expect(HOSTS | TEXT, SMTP_EHLO,
	    "250-mail.corp.example Hello c [10.0.0.5]\r\n",
	    "250-front.example\r\n");
	expect(HOSTS, SMTP_EHLO,
	    "250-mail.corp.example Hello c [10.0.0.5], pleased\r\n",
	    "250-front.example Hello c [192.0.2.7], pleased\r\n");
	expect(HOSTS | TEXT, SMTP_HELO, "250 STARTTLS\r\n",
	    "250 front.example\r\n");
	expect(HOSTS, SMTP_LHLO, "250-Other\r\n", "250-front.example\r\n");
	expect(HOSTS | TEXT, SMTP_EHLO, "250-Sendmail at your service\r\n",
	    "250-front.example\r\n");
	expect(TEXT, SMTP_HELO, "250 [198.51.100.4], hello\r\n",
	    "250 [198.51.100.4]\r\n");
	expect(HOSTS, SMTP_EHLO, "250-Nice to meet you\r\n",
	    "250-Nice to meet you\r\n");
}
END_TEST

START_TEST(keywords_stay)
{
	expect(HOSTS | TEXT | LATER, SMTP_EHLO, "250-AUTH PLAIN LOGIN\r\n",
	    "250-AUTH PLAIN LOGIN\r\n");
	expect(HOSTS | TEXT | LATER, SMTP_LHLO, "250 EX01\r\n", "250 EX01\r\n");
	expect(HOSTS | TEXT | LATER, SMTP_EHLO, "250-XID EX01 2\r\n",
	    "250-XID EX01 2\r\n");
	expect(TEXT | LATER, SMTP_HELO, "250 AUTH PLAIN\r\n",
	    "250 Requested mail action okay, completed\r\n");
}
END_TEST

START_TEST(what_a_machine_reads_stays)
{
	expect(HOSTS | TEXT, SMTP_AUTH, "334 PDEuMkBFeDAxPg== Ex01\r\n",
	    "334 PDEuMkBFeDAxPg== Ex01\r\n");
	expect(HOSTS | TEXT, SMTP_MAIL, "355 6135 is the offset\r\n",
	    "355 6135 is the offset\r\n");
	expect(HOSTS | TEXT, SMTP_XLINK2STATE,
	    "200 LAST CHUNK={00000029} {mail.corp.example}\r\n",
	    "200 LAST CHUNK={00000029} {mail.corp.example}\r\n");
}
END_TEST

START_TEST(paths_stay_where_they_are_the_answer)
{
	expect(TEXT, SMTP_RCPT, "251 2.1.5 user gone, try <joe@new> now\r\n",
	    "251 2.1.5 User not local; will forward to <joe@new>\r\n");
	expect(TEXT, SMTP_RCPT, "551 not here: <joe@new>\r\n",
	    "551 User not local; please try <joe@new>\r\n");
	expect(TEXT, SMTP_RCPT, "551 not here\r\n", "551 User not local\r\n");
	expect(TEXT, SMTP_VRFY, "250 2.1.5 Joe Doe <joe@mail.corp.example>\r\n",
	    "250 2.1.5 <joe@mail.corp.example>\r\n");
	expect(HOSTS | TEXT, SMTP_VRFY,
	    "250 2.1.5 Joe Doe <joe@mail.corp.example>\r\n",
	    "250 2.1.5 <joe@front.example>\r\n");
	expect(TEXT, SMTP_EXPN, "250-<a@b> is deliverable\r\n", "250-<a@b>\r\n");
	expect(TEXT, SMTP_VRFY, "252 2.0.0 root\r\n", "252 2.0.0 Cannot VRFY "
	    "user, but will accept message and attempt delivery\r\n");
	expect(TEXT, SMTP_RCPT, "250 <a@b> accepted by Mailer\r\n",
	    "250 Requested mail action okay, completed\r\n");
	/* no path */
	expect(TEXT, SMTP_VRFY, "250 <Mailer 4.2 beta>\r\n",
	    "250 Requested mail action okay, completed\r\n");
	expect(TEXT, SMTP_VRFY, "250 a <b\r\n",
	    "250 Requested mail action okay, completed\r\n");
}
END_TEST

START_TEST(queue_ids_stay_unless_told_otherwise)
{
	expect(TEXT, SMTP_END, "250 2.0.0 Ok: queued as 4XyZ1\r\n",
	    "250 2.0.0 OK queued as 4XyZ1\r\n");
	expect(TEXT, SMTP_BDAT_LAST, "250 OK id=1tEaBc-01Ab-2c\r\n",
	    "250 OK queued as 1tEaBc-01Ab-2c\r\n");
	expect(TEXT, SMTP_END, "250 2.0.0 4AMA0X Message accepted for delivery\r\n",
	    "250 2.0.0 OK queued as 4AMA0X\r\n");
	expect(HOSTS | TEXT, SMTP_END,
	    "250 2.6.0 <Ex01Yq3@mail.corp.example> Queued mail for delivery\r\n",
	    "250 2.6.0 OK queued as Ex01Yq3@front.example\r\n");
	expect(TEXT | IDS, SMTP_END, "250 2.0.0 Ok: queued as 4XyZ1\r\n",
	    "250 2.0.0 Requested mail action okay, completed\r\n");
	expect(TEXT, SMTP_BDAT, "250 2.0.0 Ok: queued as 4XyZ1\r\n",
	    "250 2.0.0 Requested mail action okay, completed\r\n");
	expect(IDS, SMTP_END, "250 2.0.0 Ok: queued as 4XyZ1\r\n",
	    "250 2.0.0 Ok: queued as XXXXX\r\n");
	expect(IDS, SMTP_RCPT, "250 2.0.0 Ok: queued as 4XyZ1\r\n",
	    "250 2.0.0 Ok: queued as 4XyZ1\r\n");
	expect(IDS | HOSTS, SMTP_END,
	    "250 Ex01: id=4XyZ1 on MAIL.CORP.EXAMPLE\r\n",
	    "250 front.example: id=XXXXX on front.example\r\n");
}
END_TEST

START_TEST(our_phrase_is_one_the_id_is_found_in)
{
	struct span id = smtp_queue_id(SPAN("2.0.0 OK queued as 4XyZ1\r\n"));

	ck_assert(id.n == 5 && memcmp(id.p, "4XyZ1", 5) == 0);
}
END_TEST

START_TEST(hosts_are_replaced_in_any_text)
{
	static const char *const rows[][2] = {
		{ "550 at MAIL.Corp.Example.\r\n", "550 at front.example.\r\n" },
		{ "550 <a@mail.corp.example>: no\r\n",
		  "550 <a@front.example>: no\r\n" },
		{ "550 \"ex01\"\r\n", "550 \"front.example\"\r\n" },
		{ "550 ex01,ex01;ex01\r\n",
		  "550 front.example,front.example;front.example\r\n" },
		{ "550 mail.corp.example.net\r\n",
		  "550 mail.corp.example.net\r\n" },
		{ "550 [198.51.100.4]:25\r\n", "550 front.example:25\r\n" },
		{ "550 198.51.100.4\r\n", "550 front.example\r\n" },
		{ "550 [10.0.0.5] not allowed\r\n",
		  "550 [192.0.2.7] not allowed\r\n" },
		{ "550 unknown[10.0.0.5]:33\r\n", "550 unknown[192.0.2.7]:33\r\n" },
		{ "550-5.7.1 Ex01\r\n", "550-5.7.1 front.example\r\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(HOSTS, SMTP_RCPT, rows[i][0], rows[i][1]);
}
END_TEST

START_TEST(addresses_of_either_kind_are_replaced_whole)
{
	struct scrub s = options(HOSTS);

	s.our_text = SPAN("2001:db8::5");
	expect_of(&s, 0, SMTP_RCPT, "550 [IPv6:2001:DB8::5]\r\n",
	    "550 [192.0.2.7]\r\n");
	expect_of(&s, 0, SMTP_RCPT, "550 2001:db8::5:6\r\n",
	    "550 2001:db8::5:6\r\n");
	s.client_text = SPAN("2001:db8::77");
	expect_of(&s, 0, SMTP_RCPT, "550 [IPv6:2001:db8::5] 2001:db8::5\r\n",
	    "550 [IPv6:2001:db8::77] 2001:db8::77\r\n");
	s.our_text = SPAN("10.0.0.5");
	expect_of(&s, 0, SMTP_RCPT, "550 [10.0.0.5] 10.0.0.5\r\n",
	    "550 [IPv6:2001:db8::77] 2001:db8::77\r\n");
	set_name(&names[3], "::4");
	expect_of(&s, 0, SMTP_RCPT, "550 [IPv6:::4]:25 a::4 1:::4\r\n",
	    "550 front.example:25 a::4 1:::4\r\n");
	set_name(&names[3], "[198.51.100.4]");
	expect_of(&s, 0, SMTP_RCPT, "550 host[198.51.100.4]\r\n",
	    "550 hostfront.example\r\n");
}
END_TEST

START_TEST(names_at_the_front_need_not_be_known)
{
	expect(HOSTS, SMTP_QUIT, "221 2.0.0 node7.corp.example closing\r\n",
	    "221 2.0.0 front.example closing\r\n");
	expect(HOSTS, SMTP_NONE, "421 node7.corp.example too busy\r\n",
	    "421 front.example too busy\r\n");
	expect(HOSTS, SMTP_CONNECT, "554-node7.corp.example\r\n",
	    "554-front.example\r\n");
	expect(HOSTS, SMTP_RCPT, "550 node7.corp.example\r\n",
	    "550 node7.corp.example\r\n");
	expect(HOSTS, SMTP_QUIT, "221 Bye from ex01\r\n",
	    "221 Bye from front.example\r\n");
}
END_TEST

START_TEST(nothing_is_done_unless_told)
{
	expect(0, SMTP_QUIT, "221 mail.corp.example Bye\r\n",
	    "221 mail.corp.example Bye\r\n");
	expect(0, SMTP_END, "250 queued as 4XyZ1\r\n", "250 queued as 4XyZ1\r\n");
	expect(0, SMTP_EHLO, "250 ex01\r\n", "250 ex01\r\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scrub");
	TCase *tests = tcase_create("scrub");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, scrubbing_set_up, NULL);
	tcase_add_test(tests, words_are_the_standard_s_for_the_code);
	tcase_add_test(tests, codes_without_a_phrase_get_that_of_their_class);
	tcase_add_test(tests, every_line_of_a_reply_gets_the_phrase);
	tcase_add_test(tests, a_bare_code_stays_bare);
	tcase_add_test(tests, no_enhanced_status_code_is_invented_nor_lost);
	tcase_add_test(tests, the_greeting_is_the_banner_s);
	tcase_add_test(tests, of_the_line_that_identifies_the_host_stays);
	tcase_add_test(tests, keywords_stay);
	tcase_add_test(tests, what_a_machine_reads_stays);
	tcase_add_test(tests, paths_stay_where_they_are_the_answer);
	tcase_add_test(tests, queue_ids_stay_unless_told_otherwise);
	tcase_add_test(tests, our_phrase_is_one_the_id_is_found_in);
	tcase_add_test(tests, hosts_are_replaced_in_any_text);
	tcase_add_test(tests, addresses_of_either_kind_are_replaced_whole);
	tcase_add_test(tests, names_at_the_front_need_not_be_known);
	tcase_add_test(tests, nothing_is_done_unless_told);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
