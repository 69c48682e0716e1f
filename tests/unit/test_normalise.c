/* What differs from run to run is replaced; what does not, stays. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/normalise.h"

#define ROOM (4 * NORMALISE_LINE_MAX)

static const char *
normalised(enum smtp_verb verb, size_t number, const char *line)
{
	static char out[ROOM + 1];
	size_t n = normalise_line(verb, number, span_of(line), out, ROOM);

	out[n] = '\0';
	return out;
}

START_TEST(each_row_does_what_its_example_says)
{
	const struct normalise_row *row;
	char mark[64];

	for (size_t i = 0; (row = normalise_row(i)) != NULL; i++) {
		snprintf(mark, sizeof mark, "<%s>", row->name);
		ck_assert_msg(strstr(normalised(row->verb, 0, row->example),
		    mark) != NULL, "%s: %s", row->name,
		    normalised(row->verb, 0, row->example));
		ck_assert_uint_gt(strlen(row->reason), 0);
	}
}
END_TEST

START_TEST(real_lines_lose_just_what_is_volatile)
{
	static const struct {
		enum smtp_verb verb;
		const char *line, *expected;
	} rows[] = {
		{ SMTP_CONNECT, "220 mx.example.net ESMTP Postfix (Debian/GNU)",
		    "220 <host> ESMTP Postfix (Debian/GNU)" },
		{ SMTP_CONNECT, "220 mx ESMTP Exim 4.96 Sun, 22 Nov 2026 "
		    "06:10:35 +0000", "220 <host> ESMTP Exim 4.96 <date>" },
		{ SMTP_CONNECT, "220 mx.example.net ESMTP Sendmail "
		    "8.17.1.9/8.17.1.9; Sun, 22 Nov 2026 06:10:35 GMT",
		    "220 <host> ESMTP Sendmail 8.17.1.9/8.17.1.9; <date> GMT" },
		{ SMTP_CONNECT, "220 ***********", "220 <host>" },
		{ SMTP_EHLO, "250-mx.example.net Hello vm [127.0.0.1]",
		    "250-<host> Hello vm <ip>" },
		{ SMTP_EHLO, "250-mx Hello localhost [IPv6:::1], pleased",
		    "250-<host> Hello localhost <ip>, pleased" },
		{ SMTP_END, "250 2.0.0 Ok: queued as 4XyZ1a2b3c",
		    "250 2.0.0 Ok: queued as <queue-id>" },
		{ SMTP_END, "250 OK id=1sABCd-0001Xy-2Z",
		    "250 OK id=<queue-id>" },
		{ SMTP_RCPT, "550 5.1.1 <a@b.example>: Recipient address "
		    "rejected: User unknown", "550 5.1.1 <address>: Recipient "
		    "address rejected: User unknown" },
		{ SMTP_RCPT, "250 2.1.5 Ok", "250 2.1.5 Ok" },
		{ SMTP_DATA, "354 End data with <CR><LF>.<CR><LF>",
		    "354 End data with <CR><LF>.<CR><LF>" },
		{ SMTP_QUIT, "221 2.0.0 Bye", "221 2.0.0 Bye" },
		{ SMTP_QUIT, "221 2.0.0 mx.example.net closing connection",
		    "221 2.0.0 <host> closing connection" },
		{ SMTP_AUTH, "334 VXNlcm5hbWU6", "334 VXNlcm5hbWU6" },
		{ SMTP_MAIL, "421 4.4.2 mx.example.net Error: timeout",
		    "421 4.4.2 <host> Error: timeout" },
		{ SMTP_NONE, "no reply at all", "no reply at all" },
		{ SMTP_NOOP, "250", "250" },
		{ SMTP_NOOP, "", "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(normalised(rows[i].verb, 0, rows[i].line),
		    rows[i].expected);
}
END_TEST

START_TEST(keywords_of_ehlo_stay)
{
	static const char *const keywords[] = {
		"250-SIZE 10240000", "250-AUTH SCRAM-SHA-256 PLAIN",
		"250 LIMITS RCPTMAX=100",
	};

	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		ck_assert_str_eq(normalised(SMTP_EHLO, i + 1, keywords[i]),
		    keywords[i]);
}
END_TEST

START_TEST(any_bytes_stay_within_room)
{
	char line[NORMALISE_LINE_MAX], out[ROOM];
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		static const char alphabet[] = "0123456789.:<>@[] Az-,=s\0\xff";
		size_t n = (size_t)rand_r(&seed) % 80, room;

		for (size_t i = 0; i < n; i++)
			line[i] = alphabet[(size_t)rand_r(&seed) %
			    (sizeof alphabet - 1)];
		room = (size_t)rand_r(&seed) % sizeof out;
		ck_assert_uint_le(normalise_line(
		    (enum smtp_verb)(rand_r(&seed) % SMTP_VERBS), 0,
		    (struct span){ line, n }, out, room), room);
	}
}
END_TEST

START_TEST(a_long_line_stays_as_it_is)
{
	static char line[NORMALISE_LINE_MAX + 1], out[sizeof line];

	memset(line, '1', sizeof line);
	ck_assert_uint_eq(normalise_line(SMTP_NOOP, 0,
	    (struct span){ line, sizeof line }, out, sizeof out), sizeof line);
	ck_assert_mem_eq(line, out, sizeof line);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("normalise");
	TCase *tests = tcase_create("normalise");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, each_row_does_what_its_example_says);
	tcase_add_test(tests, real_lines_lose_just_what_is_volatile);
	tcase_add_test(tests, keywords_of_ehlo_stay);
	tcase_add_test(tests, any_bytes_stay_within_room);
	tcase_add_test(tests, a_long_line_stays_as_it_is);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
