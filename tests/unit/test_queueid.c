/* Every row of queueids.def finds the id in its own example. */
#include <check.h>
#include <stdlib.h>

#include "inspect/smtp.h"

static const struct {
	const char *server, *example;
} rows[] = {
#define QUEUE_ID(server, before, after, digit, example) { server, example },
#include "inspect/queueids.def"
#undef QUEUE_ID
};

/* The example without its braces, and what stands between them. */
static struct span
take_braces(const char *example, char *text, struct span *id)
{
	size_t open = strcspn(example, "{");
	size_t shut = strcspn(example, "}");
	size_t n = strlen(example) - 2;

	memcpy(text, example, open);
	memcpy(text + open, example + open + 1, shut - open - 1);
	memcpy(text + shut - 1, example + shut + 1, strlen(example + shut));
	*id = (struct span){ text + open, shut - open - 1 };
	return (struct span){ text, n };
}

START_TEST(each_server_is_understood)
{
	char text[256];
	struct span want;
	struct span got = smtp_queue_id(take_braces(rows[_i].example, text,
	    &want));

	ck_assert_msg(got.p == want.p && got.n == want.n,
	    "%s: \"%.*s\" in %s", rows[_i].server, (int)got.n,
	    got.n ? got.p : "", rows[_i].example);
}
END_TEST

START_TEST(replies_without_an_id_give_none)
{
	static const char *const texts[] = {
		"", "Ok", "2.0.0 Ok", "OK thanks", "Ok.", "queued as ",
		"Queued (0.123 seconds)", "2.6.0 message received",
		"Message accepted for delivery",
		"2.0.0 Message accepted for delivery. Bye",
		"Requested mail action okay, completed",
		"ok dirdel", "2.1.0 Sender OK", "InternalId",
		"valid=yes", "<<<>>>", "2.0.0 Ok: queued as",
		"End data with <CR><LF>.<CR><LF>",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct span got = smtp_queue_id(span_of(texts[i]));

		ck_assert_msg(got.n == 0, "\"%.*s\" in %s", (int)got.n,
		    got.n ? got.p : "", texts[i]);
	}
}
END_TEST

START_TEST(letters_of_the_phrase_may_be_in_any_case)
{
	struct span got = smtp_queue_id(SPAN("OK: QUEUED AS 4xy.\r\n"));

	ck_assert_uint_eq(got.n, 3);
	ck_assert_mem_eq(got.p, "4xy", 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("queueid");
	TCase *tests = tcase_create("queueid");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, each_server_is_understood, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tests, replies_without_an_id_give_none);
	tcase_add_test(tests, letters_of_the_phrase_may_be_in_any_case);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
