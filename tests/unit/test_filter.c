/* The words of `smtptap list` become parameters of one query. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/filter.h"
#include "replay/moment.h"

#define NOW INT64_C(1795342200000000)	/* 2026-11-22T10:10:00Z */
#define HOUR INT64_C(3600000000)

static struct filter filter;
static char error[FILTER_ERROR_MAX];

static bool
parse(const char *words)
{
	char copy[8192];
	char *argv[] = { copy };

	memcpy(copy, words, strlen(words) + 1);
	return filter_parse(&filter, argv, 1, NOW, error);
}

/* The value given to a parameter; ends the test if there is none. */
static const struct filter_bound *
bound(const char *parameter)
{
	for (unsigned i = 0; i < filter.nbound; i++)
		if (strcmp(filter.bound[i].parameter, parameter) == 0)
			return &filter.bound[i];
	ck_abort_msg("%s is not bound", parameter);
	return NULL;
}

START_TEST(words_become_parameters)
{
	ck_assert(parse("from:joe subject:\"two words\"  verb:rcpt"));
	ck_assert_uint_eq(filter.nbound, 3);
	ck_assert_str_eq(bound(":sender")->text, "joe");
	ck_assert_str_eq(bound(":subject")->text, "two words");
	ck_assert_str_eq(bound(":verb")->text, "rcpt");
	ck_assert(parse(""));
	ck_assert_uint_eq(filter.nbound, 0);
}
END_TEST

START_TEST(codes_may_have_wild_digits)
{
	static const struct {
		const char *word;
		int from, to;
	} rows[] = {
		{ "code:550", 550, 550 }, { "code:5xx", 500, 599 },
		{ "code:25X", 250, 259 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(parse(rows[i].word), "%s", error);
		ck_assert_int_eq(bound(":code_from")->number, rows[i].from);
		ck_assert_int_eq(bound(":code_to")->number, rows[i].to);
	}
}
END_TEST

START_TEST(times_and_sizes_have_units)
{
	ck_assert(parse("dur>2s dur<1.5h size>1M size<10KiB"));
	ck_assert_int_eq(bound(":longer_us")->number, 2000000);
	ck_assert_int_eq(bound(":shorter_us")->number, 3 * HOUR / 2);
	ck_assert_int_eq(bound(":larger")->number, 1048576);
	ck_assert_int_eq(bound(":smaller")->number, 10240);
}
END_TEST

START_TEST(moments_are_in_utc)
{
	ck_assert(parse("since:2h until:2026-11-22"));
	ck_assert_int_eq(bound(":since_us")->number, NOW - 2 * HOUR);
	ck_assert_int_eq(bound(":until_us")->number,
	    NOW / (24 * HOUR) * 24 * HOUR + 24 * HOUR);
	ck_assert(parse("since:2026-11-22T10:10:00.5Z until:yesterday"));
	ck_assert_int_eq(bound(":since_us")->number, NOW + 500000);
	ck_assert_int_eq(bound(":until_us")->number,
	    NOW / (24 * HOUR) * 24 * HOUR);
	ck_assert(parse("since:\"2026-11-22 10:10\""));
	ck_assert_int_eq(bound(":since_us")->number, NOW);
}
END_TEST

/* Each is what print writes for that many microseconds. */
START_TEST(spans_come_back_to_the_microsecond)
{
	char text[32];
	int64_t us;

	for (int64_t n = 0; n < 2000000; n += 7) {
		(void)snprintf(text, sizeof text, "%lld.%06llds",
		    (long long)(n / 1000000), (long long)(n % 1000000));
		ck_assert(moment_span(text, &us));
		ck_assert_int_eq(us, n);
	}
}
END_TEST

START_TEST(what_cannot_be_read_says_why)
{
	static const char *const words[] = {
		"joe", "colour:red", "from:", "code:55", "code:5x0",
		"code:abc", "code:0xx", "dur>fast", "dur>-1s", "dur>1e999s",
		"size>x", "size>1T", "size>99999999999G", "since:2026",
		"since:2026-13-01", "since:2026-02-30", "since:2026-11-22T25:00",
		"since:2026-11-22x", "until:tomorrow", "client:",
		"client:10.0.0", "client:10.0.0.0/33", "client:10.0.0.0/",
		"client:::1/129", "client:host.example", "client:10.0.0.0/-1",
		"code:250 code:5xx",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		error[0] = '\0';
		ck_assert_msg(!parse(words[i]), "%s", words[i]);
		ck_assert_msg(strlen(error) > 10, "%s: %s", words[i], error);
	}
}
END_TEST

START_TEST(too_many_words_are_refused)
{
	char words[FILTER_TEXT_MAX + 10];

	memset(words, 'x', sizeof(words));
	memcpy(words, "from:", 5);
	words[sizeof(words) - 1] = '\0';
	ck_assert(!parse(words));
}
END_TEST

START_TEST(clients_are_matched_by_network)
{
	static const struct {
		const char *word, *client;
		bool wanted;
	} rows[] = {
		{ "client:192.0.2.7", "192.0.2.7:51324", true },
		{ "client:192.0.2.7", "192.0.2.70:51324", false },
		{ "client:10.0.0.0/8", "10.255.0.1:25", true },
		{ "client:10.0.0.0/8", "11.0.0.1:25", false },
		{ "client:10.128.0.0/9", "10.127.0.1:25", false },
		{ "client:0.0.0.0/0", "203.0.113.9:1", true },
		{ "client:0.0.0.0/0", "[2001:db8::1]:1", false },
		{ "client:2001:db8::/32", "[2001:db8:1::2]:25", true },
		{ "client:2001:db8::/32", "[2001:db9::2]:25", false },
		{ "client:::1", "[::1]:2525", true },
		{ "client:::/0", "[::1]:2525", true },
		{ "client:192.0.2.7", "", false },
		{ "client:192.0.2.7", "unix", false },
		{ "from:x", "", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(parse(rows[i].word), "%s", error);
		ck_assert_msg(filter_wants_client(&filter,
		    span_of(rows[i].client)) == rows[i].wanted, "%s %s",
		    rows[i].word, rows[i].client);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("filter");
	TCase *tests = tcase_create("filter");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, words_become_parameters);
	tcase_add_test(tests, codes_may_have_wild_digits);
	tcase_add_test(tests, spans_come_back_to_the_microsecond);
	tcase_add_test(tests, times_and_sizes_have_units);
	tcase_add_test(tests, moments_are_in_utc);
	tcase_add_test(tests, what_cannot_be_read_says_why);
	tcase_add_test(tests, too_many_words_are_refused);
	tcase_add_test(tests, clients_are_matched_by_network);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
