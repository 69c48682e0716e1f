/* Which replies count as the same. */
#include <check.h>
#include <stdlib.h>

#include "replay/compare.h"

static bool
same(enum compare_level level, enum smtp_verb verb, const char *a,
    const char *b)
{
	struct compare_reply left = { verb, atoi(a), span_of(a) };
	struct compare_reply right = { verb, atoi(b), span_of(b) };

	return compare_same(level, &left, &right);
}

START_TEST(each_level_sees_more)
{
	static const struct {
		const char *a, *b;
		enum compare_level differs_from;	/* this level on */
	} rows[] = {
		{ "250 2.1.5 Ok\r\n", "550 5.1.1 no\r\n", COMPARE_CODE },
		{ "250 2.1.5 Ok\r\n", "250 2.1.0 Ok\r\n", COMPARE_ENHANCED },
		{ "250 2.1.5 Ok\r\n", "250 Ok\r\n", COMPARE_ENHANCED },
		{ "250 2.1.5 Ok\r\n", "250 2.1.5 Fine\r\n", COMPARE_TEXT },
		{ "250 Ok\r\n", "250-Ok\r\n250 Ok\r\n", COMPARE_TEXT },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int level = COMPARE_OFF; level <= COMPARE_TEXT; level++)
			ck_assert_int_eq(same((enum compare_level)level,
			    SMTP_RCPT, rows[i].a, rows[i].b),
			    level < (int)rows[i].differs_from);
}
END_TEST

START_TEST(volatile_parts_do_not_count)
{
	ck_assert(same(COMPARE_TEXT, SMTP_END,
	    "250 2.0.0 Ok: queued as 4XyZ\r\n",
	    "250 2.0.0 Ok: queued as 9AbC\r\n"));
	ck_assert(same(COMPARE_TEXT, SMTP_CONNECT,
	    "220 a.example ESMTP Sun, 22 Nov 2026 06:10:35 +0000\r\n",
	    "220 b.example ESMTP Mon, 23 Nov 2026 07:11:36 +0000\r\n"));
	ck_assert(!same(COMPARE_TEXT, SMTP_EHLO,
	    "250-a.example\r\n250 SIZE 10\r\n",
	    "250-b.example\r\n250 SIZE 20\r\n"));
}
END_TEST

START_TEST(two_prompts_of_auth_login_differ)
{
	ck_assert(!same(COMPARE_TEXT, SMTP_AUTH, "334 VXNlcm5hbWU6\r\n",
	    "334 UGFzc3dvcmQ6\r\n"));
}
END_TEST

START_TEST(levels_have_names)
{
	enum compare_level level;

	ck_assert(compare_level("enhanced", &level));
	ck_assert_int_eq(level, COMPARE_ENHANCED);
	ck_assert(compare_level("off", &level));
	ck_assert_int_eq(level, COMPARE_OFF);
	ck_assert(!compare_level("all", &level));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("compare");
	TCase *tests = tcase_create("compare");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, each_level_sees_more);
	tcase_add_test(tests, volatile_parts_do_not_count);
	tcase_add_test(tests, two_prompts_of_auth_login_differ);
	tcase_add_test(tests, levels_have_names);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
