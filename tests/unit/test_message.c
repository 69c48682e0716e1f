/* Header fields pulled out of mail content. */
#include <check.h>
#include <stdlib.h>

#include "inspect/message.h"

static void
expect(struct span got, const char *want)
{
	ck_assert_msg(got.n == strlen(want) && memcmp(got.p, want, got.n) == 0,
	    "\"%.*s\" is not \"%s\"", (int)got.n, got.n ? got.p : "", want);
}

START_TEST(fields_come_in_order_up_to_the_empty_line)
{
	struct span s = SPAN("Subject: one\r\nTo : <a@b>,\r\n\t<c@d>\r\n"
	    "X-Empty:\r\n\r\nSubject: body\r\n");
	struct message_field f;

	ck_assert(message_next(&s, &f));
	expect(f.name, "Subject");
	expect(f.body, " one");
	ck_assert(message_next(&s, &f));
	expect(f.name, "To");
	expect(f.body, " <a@b>,\r\n\t<c@d>");
	ck_assert(message_next(&s, &f));
	expect(f.name, "X-Empty");
	expect(f.body, "");
	ck_assert(!message_next(&s, &f));
	expect(s, "\r\nSubject: body\r\n");
}
END_TEST

START_TEST(bare_lf_ends_a_line_too)
{
	struct span s = SPAN("A: 1\n B\nC: 2\n\n");
	struct message_field f;

	ck_assert(message_next(&s, &f));
	expect(f.body, " 1\n B");
	ck_assert(message_next(&s, &f));
	expect(f.name, "C");
	ck_assert(!message_next(&s, &f));
	expect(s, "\n");
}
END_TEST

START_TEST(what_is_no_field_stops_it)
{
	static const char *const texts[] = {
		"", "\r\n", "no colon\r\n", ": no name\r\n", " folded: x\r\n",
		"From joe Mon\r\n", "gr\xc3\xbc: x\r\n", "Subject: cut off",
		"Subject: a\r\n cut off", "A",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct span s = span_of(texts[i]);
		struct message_field f;

		ck_assert_msg(!message_next(&s, &f), "%s", texts[i]);
		expect(s, texts[i]);
	}
}
END_TEST

static void
expect_unfolded(const char *body, size_t room, const char *want)
{
	char out[64];

	ck_assert_uint_le(room, sizeof(out));
	expect((struct span){ out, message_unfold(span_of(body), out, room) },
	    want);
}

START_TEST(unfolding_takes_line_ends_away_and_nothing_else)
{
	expect_unfolded(" one\r\n two", 64, "one two");
	expect_unfolded(" one\n\ttwo \r\n", 64, "one\ttwo");
	expect_unfolded("\r\n folded at once", 64, "folded at once");
	expect_unfolded(" a\rb", 64, "a\rb");
	expect_unfolded("  ", 64, "");
	expect_unfolded("", 64, "");
	expect_unfolded(" x", 0, "");
}
END_TEST

START_TEST(a_long_body_is_cut_at_a_character)
{
	expect_unfolded(" abcdef", 3, "abc");
	expect_unfolded(" ab def", 3, "ab");
	expect_unfolded(" ab\xc3\xbc", 3, "ab");
	expect_unfolded(" ab\xc3\xbc", 4, "ab\xc3\xbc");
	expect_unfolded(" a\xf0\x9f\x93\xa7", 4, "a");
	expect_unfolded(" a\xe2\x82\xac.", 3, "a");
	expect_unfolded(" \x80\x80\x80\x80\x80", 4, "\x80\x80\x80\x80");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("message");
	TCase *tests = tcase_create("message");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, fields_come_in_order_up_to_the_empty_line);
	tcase_add_test(tests, bare_lf_ends_a_line_too);
	tcase_add_test(tests, what_is_no_field_stops_it);
	tcase_add_test(tests, unfolding_takes_line_ends_away_and_nothing_else);
	tcase_add_test(tests, a_long_body_is_cut_at_a_character);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
