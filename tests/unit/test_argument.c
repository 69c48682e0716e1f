/* Paths, parameters and enhanced status codes. */
#include <check.h>
#include <stdlib.h>

#include "inspect/smtp.h"

static void
expect(struct span got, const char *want)
{
	ck_assert_msg(got.n == strlen(want) &&
	    (!got.n || memcmp(got.p, want, got.n) == 0),
	    "\"%.*s\" is not \"%s\"", (int)got.n, got.n ? got.p : "", want);
}

START_TEST(path_is_without_brackets)
{
	static const char *const rows[][2] = {
		{ "FROM:<a@b.example>", "a@b.example" },
		{ "FROM:<>", "" },
		{ "FROM:<> SIZE=3", "" },
		{ "TO: <a@b> NOTIFY=NEVER", "a@b" },
		{ "from:<a@b>SIZE=3", "a@b" },
		{ "TO:<@one,@two:joe@three>", "joe@three" },
		{ "TO:<@[IPv6:::1]:joe@three>", "joe@three" },
		{ "TO:<\"a>b\"@c>", "\"a>b\"@c" },
		{ "TO:<\"a\\\">b\"@c>", "\"a\\\">b\"@c" },
		{ "TO:<Postmaster>", "Postmaster" },
		{ "TO:<@nowhere>", "@nowhere" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(smtp_path(span_of(rows[i][0])), rows[i][1]);
}
END_TEST

START_TEST(ill_formed_path_is_all_behind_the_colon)
{
	expect(smtp_path(SPAN("FROM: a@b SIZE=3 ")), "a@b SIZE=3");
	expect(smtp_path(SPAN("TO:<a@b")), "<a@b");
	expect(smtp_path(SPAN("TO:<\"a@b>")), "<\"a@b>");
	expect(smtp_path(SPAN("TO:")), "");
	expect(smtp_path(SPAN("a@b")), "a@b");
	expect(smtp_path(SPAN("TO:<\"\\")), "<\"\\");
	expect(smtp_path(SPAN("")), "");
}
END_TEST

START_TEST(parameter_is_found_by_its_whole_keyword)
{
	struct span mail = SPAN("FROM:<a SIZE=9@b> body=8BITMIME SIZE=100 "
	    "SIZEX=2 SMTPUTF8 ENVID=\tRET=HDRS");

	expect(smtp_parameter(mail, "SIZE"), "100");
	expect(smtp_parameter(mail, "BODY"), "8BITMIME");
	expect(smtp_parameter(mail, "RET"), "HDRS");
	expect(smtp_parameter(mail, "ENVID"), "");
	ck_assert_ptr_nonnull(smtp_parameter(mail, "ENVID").p);
	expect(smtp_parameter(mail, "SMTPUTF8"), "");
	ck_assert_ptr_nonnull(smtp_parameter(mail, "SMTPUTF8").p);
	ck_assert_ptr_null(smtp_parameter(mail, "SIZ").p);
	ck_assert_ptr_null(smtp_parameter(mail, "NOTIFY").p);
	ck_assert_ptr_null(smtp_parameter(SPAN(""), "SIZE").p);
	expect(smtp_parameter(SPAN("FROM: a@b SIZE=3"), "SIZE"), "3");
}
END_TEST

START_TEST(enhanced_code_is_of_the_class_of_the_code)
{
	expect(smtp_enhanced(250, SPAN("2.1.5 Ok")), "2.1.5");
	expect(smtp_enhanced(550, SPAN("5.7.1")), "5.7.1");
	expect(smtp_enhanced(452, SPAN("4.123.456\tlater")), "4.123.456");
	expect(smtp_enhanced(250, SPAN("5.1.1 no")), "");
	expect(smtp_enhanced(354, SPAN("3.0.0 go")), "");
	expect(smtp_enhanced(250, SPAN("2.1234.5 Ok")), "");
	expect(smtp_enhanced(250, SPAN("2.1.5Ok")), "");
	expect(smtp_enhanced(250, SPAN("2.1")), "");
	expect(smtp_enhanced(250, SPAN("2.1.")), "");
	expect(smtp_enhanced(250, SPAN("2..15 ")), "");
	expect(smtp_enhanced(250, SPAN("")), "");
	expect(smtp_enhanced(0, SPAN("0.1.1 x")), "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("argument");
	TCase *tests = tcase_create("argument");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, path_is_without_brackets);
	tcase_add_test(tests, ill_formed_path_is_all_behind_the_colon);
	tcase_add_test(tests, parameter_is_found_by_its_whole_keyword);
	tcase_add_test(tests, enhanced_code_is_of_the_class_of_the_code);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
