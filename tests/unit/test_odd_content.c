/* What the record says is odd about a message: all its headers, and the
 * encodings in its first octets. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "record/content.h"

#define HEADER "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define BASE64 "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
#define LINE "QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD\r\n"

static char message[CONTENT_CHECKED_MAX * 3];
static size_t message_n;

static void
say(const char *text)
{
	memcpy(message + message_n, text, strlen(text));
	message_n += strlen(text);
}

/* The same however it comes. */
static uint64_t
odd(void)
{
	static const size_t sizes[] = { sizeof message, 1, 7, 1000, 1024, 4097 };
	uint64_t first = 0;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct content *c = content_new(false);
		struct span all = { message, message_n };
		uint64_t found;

		ck_assert_ptr_nonnull(c);
		while (all.n)
			content_put(c, span_cut(&all, all.n < sizes[i] ?
			    all.n : sizes[i]), false);
		found = content_odd(c);
		first = i ? first : found;
		ck_assert_uint_eq(found, first);
		content_free(c);
	}
	return first;
}

static void
begin(void)
{
	message_n = 0;
	say(HEADER BASE64);
}

static void
fill(size_t octets)
{
	while (message_n + strlen(LINE) <= octets)
		say(LINE);
}

START_TEST(what_is_whole_is_not_odd)
{
	begin();
	fill(CONTENT_CHECKED_MAX * 2);
	say("--b--\r\n");
	ck_assert_uint_eq(odd(), 0);
}
END_TEST

START_TEST(the_front_of_a_body_is_checked)
{
	begin();
	fill(CONTENT_CHECKED_MAX - 100);
	say("not base64!\r\n");
	fill(CONTENT_CHECKED_MAX * 2);
	ck_assert_uint_eq(odd(), SMTP_ODD(INVALID_BASE64));
}
END_TEST

START_TEST(what_is_far_behind_in_a_body_is_not)
{
	begin();
	fill(CONTENT_CHECKED_MAX + 200);
	say("not base64!\r\n");
	ck_assert_uint_eq(odd(), 0);
}
END_TEST

START_TEST(headers_of_parts_are_read_wherever_they_are)
{
	begin();
	fill(CONTENT_CHECKED_MAX * 2);
	say("--b\r\nContent-Type: x/y\r\nContent-Type: x/y\r\n\r\n");
	ck_assert_uint_eq(odd(), SMTP_ODD(DUPLICATE_FIELD));
}
END_TEST

START_TEST(a_header_is_read_however_long_it_is)
{
	message_n = 0;
	say("From: a@x\r\n");
	while (message_n < CONTENT_CHECKED_MAX * 2)
		say("X: y\r\n");
	say("From: b@x\r\n\r\n");
	ck_assert_uint_eq(odd(), SMTP_ODD(DUPLICATE_FIELD));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("odd content");
	TCase *tests = tcase_create("odd content");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, what_is_whole_is_not_odd);
	tcase_add_test(tests, the_front_of_a_body_is_checked);
	tcase_add_test(tests, what_is_far_behind_in_a_body_is_not);
	tcase_add_test(tests, headers_of_parts_are_read_wherever_they_are);
	tcase_add_test(tests, a_header_is_read_however_long_it_is);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
