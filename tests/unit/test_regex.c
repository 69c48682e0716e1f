/* Regular expressions match octets, within bounds, in any thread. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "proxy/regex.h"

static char error[REGEX_ERROR];

static bool
matches(const char *pattern, struct span subject)
{
	struct regex *r = regex_new(pattern, error);
	bool matched;

	ck_assert_msg(r != NULL, "%s: %s", pattern, error);
	matched = regex_matches(r, subject);
	regex_free(r);
	return matched;
}

START_TEST(it_is_found_anywhere)
{
	ck_assert(matches("@spam\\.example$", SPAN("joe@spam.example")));
	ck_assert(!matches("@spam\\.example$", SPAN("joe@spam-example")));
	ck_assert(!matches("^spam", SPAN("joe@spam.example")));
}
END_TEST

START_TEST(the_end_is_the_very_end)
{
	ck_assert(!matches("a$", SPAN("a\n")));
}
END_TEST

START_TEST(any_octet_is_one_character)
{
	ck_assert(matches("^a.b$", SPAN("a\xff" "b")));
	ck_assert(matches("^a\\x00b$", SPAN("a\0b")));
}
END_TEST

START_TEST(nothing_can_be_matched)
{
	ck_assert(matches("^$", (struct span){ NULL, 0 }));
}
END_TEST

START_TEST(an_error_names_the_offset)
{
	ck_assert_ptr_null(regex_new("ab(c", error));
	ck_assert_msg(strstr(error, "offset 4: missing closing parenthesis") !=
	    NULL, "%s", error);
}
END_TEST

/* Exponential for a matcher that goes on for ever. */
START_TEST(work_is_bounded)
{
	char subject[4096];

	memset(subject, 'a', sizeof(subject));
	ck_assert(!matches("^(a+)+\\d$", (struct span){ subject,
	    sizeof(subject) }));
	ck_assert(!matches("^(?:(a|aa)+)+b", (struct span){ subject,
	    sizeof(subject) }));
}
END_TEST

static void *
match_often(void *regex)
{
	bool right = true;

	for (int i = 0; i < 2000; i++)
		right &= regex_matches(regex, SPAN("xxaab")) &&
		    !regex_matches(regex, SPAN("xxb"));
	return right ? regex : NULL;
}

START_TEST(threads_share_one)
{
	struct regex *r = regex_new("(a+)b", error);
	pthread_t threads[4];
	void *right;

	ck_assert_ptr_nonnull(r);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, match_often,
		    r), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &right), 0);
		ck_assert_ptr_eq(right, r);
	}
	regex_free(r);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("regex");
	TCase *tests = tcase_create("regex");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, it_is_found_anywhere);
	tcase_add_test(tests, the_end_is_the_very_end);
	tcase_add_test(tests, any_octet_is_one_character);
	tcase_add_test(tests, nothing_can_be_matched);
	tcase_add_test(tests, an_error_names_the_offset);
	tcase_add_test(tests, work_is_bounded);
	tcase_add_test(tests, threads_share_one);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
