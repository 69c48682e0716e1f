/* A line of the log is one line and one logfmt, whatever the peers said. */
#include <check.h>
#include <stdlib.h>

#include "proxy/log.h"

static const struct {
	struct span value;
	const char *line;
} values[] = {
	{ SPAN(""), "k=" },
	{ SPAN("mx.example.com"), "k=mx.example.com" },
	{ SPAN("a b"), "k=\"a b\"" },
	{ SPAN("a=b"), "k=\"a=b\"" },
	{ SPAN("a\"b"), "k=\"a\\\"b\"" },
	{ SPAN("a\\b"), "k=\"a\\\\b\"" },
	{ SPAN("a\r\nsid=1 end=client"), "k=\"a\\x0d\\x0asid=1 end=client\"" },
	{ SPAN("a\0b"), "k=\"a\\x00b\"" },
	{ SPAN("\x1b[2J"), "k=\"\\x1b[2J\"" },
	{ SPAN("\xc3\xa9\xff\x7f"), "k=\"\\xc3\\xa9\\xff\\x7f\"" },
};

START_TEST(a_hostile_value_stays_in_its_quotes)
{
	struct log_line l = { .n = 0 };

	log_span(&l, "k", values[_i].value);
	ck_assert_uint_eq(l.n, strlen(values[_i].line));
	ck_assert_mem_eq(l.text, values[_i].line, l.n);
}
END_TEST

START_TEST(values_are_cut_at_their_bound)
{
	static char hostile[2000], harmless[2000];
	struct log_line l = { .n = 0 };

	memset(hostile, '\n', sizeof(hostile));
	memset(harmless, 'a', sizeof(harmless));
	log_span(&l, "k", (struct span){ hostile, sizeof(hostile) });
	ck_assert_uint_le(l.n, 2 + LOG_VALUE_MAX);
	ck_assert_int_eq(l.text[l.n - 1], '"');
	l.n = 0;
	log_span(&l, "k", (struct span){ harmless, sizeof(harmless) });
	ck_assert_uint_eq(l.n, 2 + LOG_VALUE_MAX);
}
END_TEST

START_TEST(a_line_never_outgrows_its_bound)
{
	static char bytes[2000];
	static struct log_line l;

	memset(bytes, 1, sizeof(bytes));
	for (int i = 0; i < 100; i++)
		log_span(&l, "key", (struct span){ bytes, sizeof(bytes) });
	ck_assert_uint_le(l.n, LOG_LINE_MAX - 1);	/* room for the LF */
}
END_TEST

START_TEST(numbers_times_and_ids_have_their_form)
{
	static const char want[] = "n=18446744073709551615 dur=61.000204 "
	    "sid=00112233-4455-6677-8899-aabbccddeeff";
	static const unsigned char uuid[16] = { 0x00, 0x11, 0x22, 0x33, 0x44,
	    0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	struct log_line l = { .n = 0 };

	log_uint(&l, "n", UINT64_MAX);
	log_seconds(&l, "dur", INT64_C(61000204999));
	log_uuid(&l, "sid", uuid);
	ck_assert_uint_eq(l.n, sizeof(want) - 1);
	ck_assert_mem_eq(l.text, want, l.n);
}
END_TEST

START_TEST(quiet_is_only_errors)
{
	log_set_level(LOG_ERROR);
	ck_assert(log_is(LOG_ERROR));
	ck_assert(!log_is(LOG_INFO));
	log_set_level(LOG_DEBUG);
	ck_assert(log_is(LOG_VERBOSE));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tests = tcase_create("log");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, a_hostile_value_stays_in_its_quotes, 0,
	    (int)(sizeof(values) / sizeof(*values)));
	tcase_add_test(tests, values_are_cut_at_their_bound);
	tcase_add_test(tests, a_line_never_outgrows_its_bound);
	tcase_add_test(tests, numbers_times_and_ids_have_their_form);
	tcase_add_test(tests, quiet_is_only_errors);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
