/* When a replay must not go on. */
#include <check.h>
#include <stdlib.h>

#include "replay/guard.h"
#include "tests/unit/tape.h"

/* The verdict on a reply that came where another was recorded. */
static const char *
reply(struct guard *g, enum smtp_verb verb, const char *was, const char *is)
{
	struct script_reply recorded = { .verb = verb, .code = atoi(was),
	    .lines = span_of(was) };
	struct compare_reply came = { verb, atoi(is), span_of(is) };

	return guard_reply(g, &recorded, &came);
}

START_TEST(content_is_sent_only_to_who_asks_for_it)
{
	static const struct {
		enum smtp_verb verb;
		const char *was, *is;
		bool safe;
	} rows[] = {
		{ SMTP_DATA, "354 go\r\n", "354 fine\r\n", true },
		{ SMTP_DATA, "354 go\r\n", "503 no\r\n", false },
		{ SMTP_DATA, "503 no\r\n", "354 go\r\n", false },
		{ SMTP_AUTH, "334 \r\n", "504 no\r\n", false },
		{ SMTP_AUTH, "235 ok\r\n", "535 no\r\n", true },
		{ SMTP_STARTTLS, "454 no\r\n", "220 go\r\n", false },
		{ SMTP_RCPT, "250 ok\r\n", "550 no\r\n", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct guard g = { 0 };

		ck_assert_int_eq(reply(&g, rows[i].verb, rows[i].was,
		    rows[i].is) == NULL, rows[i].safe);
	}
}
END_TEST

/* The verdict on the last step of this recording. */
static const char *
last_step(const struct guard *g, const char *bytes)
{
	const char *lines[] = { "S:220 mx\r\n", bytes, NULL };
	char error[RECORD_ERROR_MAX];
	struct store_wire wire;
	struct script s;
	const char *why;

	tape_make(&wire, lines);
	ck_assert(script_read(&s, &wire, error));
	why = guard_step(g, &s, 0, &s.steps[s.nsteps - 1]);
	script_free(&s);
	tape_free(&wire);
	return why;
}

START_TEST(no_data_when_all_recipients_are_refused)
{
	struct guard g = { 0 };

	(void)reply(&g, SMTP_MAIL, "250 ok\r\n", "250 ok\r\n");
	(void)reply(&g, SMTP_RCPT, "250 ok\r\n", "550 no\r\n");
	ck_assert_ptr_nonnull(last_step(&g, "C:DATA\r\n"));
	ck_assert_ptr_null(last_step(&g, "C:RSET\r\n"));
	(void)reply(&g, SMTP_RCPT, "250 ok\r\n", "250 ok\r\n");
	ck_assert_ptr_null(last_step(&g, "C:DATA\r\n"));
}
END_TEST

START_TEST(the_next_transaction_counts_anew)
{
	struct guard g = { 0 };

	(void)reply(&g, SMTP_RCPT, "250 ok\r\n", "250 ok\r\n");
	(void)reply(&g, SMTP_MAIL, "250 ok\r\n", "250 ok\r\n");
	(void)reply(&g, SMTP_RCPT, "250 ok\r\n", "452 full\r\n");
	ck_assert_ptr_nonnull(last_step(&g, "C:DATA\r\n"));
}
END_TEST

START_TEST(data_that_was_refused_may_be_refused_again)
{
	struct guard g = { 0 };

	(void)reply(&g, SMTP_RCPT, "550 no\r\n", "550 no\r\n");
	ck_assert_ptr_null(last_step(&g, "C:DATA\r\n"));
}
END_TEST

START_TEST(no_bdat_to_who_does_not_know_it)
{
	struct guard g = { 0 };

	(void)reply(&g, SMTP_EHLO, "250-a\r\n250-SIZE\r\n250 CHUNKING\r\n",
	    "250-b\r\n250 SIZE\r\n");
	ck_assert_ptr_nonnull(last_step(&g, "C:BDAT 3 LAST\r\nabc"));
	(void)reply(&g, SMTP_EHLO, "250-a\r\n250 CHUNKING\r\n",
	    "250-b\r\n250 chunking\r\n");
	ck_assert_ptr_null(last_step(&g, "C:BDAT 3 LAST\r\nabc"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("guard");
	TCase *tests = tcase_create("guard");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, content_is_sent_only_to_who_asks_for_it);
	tcase_add_test(tests, no_data_when_all_recipients_are_refused);
	tcase_add_test(tests, the_next_transaction_counts_anew);
	tcase_add_test(tests, data_that_was_refused_may_be_refused_again);
	tcase_add_test(tests, no_bdat_to_who_does_not_know_it);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
