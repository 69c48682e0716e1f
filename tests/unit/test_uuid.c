/* uuid: version 7 of RFC 9562, its text, and the range of a prefix. */
#include "record/uuid.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(the_fields_are_those_of_rfc_9562_appendix_a_6)
{
	unsigned char uuid[16];
	char text[UUID_TEXT_MAX];

	uuid_make(uuid, INT64_C(1645557742000000000));
	uuid_text(uuid, text);
	ck_assert_uint_eq(strlen(text), 36);
	ck_assert_int_eq(strncmp(text, "017f22e2-79b0-7000-", 19), 0);
	ck_assert_msg(strchr("89ab", text[19]) != NULL, "%s", text);
}
END_TEST

START_TEST(later_ones_sort_behind_earlier_ones)
{
	unsigned char a[16], b[16];

	for (int64_t ns = 0; ns < 3000000; ns += 250) {
		uuid_make(a, INT64_C(1763800000000000000) + ns);
		uuid_make(b, INT64_C(1763800000000000000) + ns + 250);
		ck_assert_int_lt(memcmp(a, b, 16), 0);
	}
}
END_TEST

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

START_TEST(no_two_made_at_one_instant_are_alike)
{
	enum { N = 100000 };
	unsigned char (*all)[16] = malloc(sizeof(*all) * N);
	int alike = 0;

	for (int i = 0; i < N; i++)
		uuid_make(all[i], 1);
	qsort(all, N, sizeof(*all), compare);
	for (int i = 1; i < N; i++)
		alike += memcmp(all[i - 1], all[i], 16) == 0;
	ck_assert_int_eq(alike, 0);
	free(all);
}
END_TEST

static const struct { const char *text, *low, *high; } ranges[] = {
	{ "0", "00000000-0000-0000-0000-000000000000",
	    "0fffffff-ffff-ffff-ffff-ffffffffffff" },
	{ "AbC", "abc00000-0000-0000-0000-000000000000",
	    "abcfffff-ffff-ffff-ffff-ffffffffffff" },
	{ "017f22e2-79b", "017f22e2-79b0-0000-0000-000000000000",
	    "017f22e2-79bf-ffff-ffff-ffffffffffff" },
	{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
	    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
	    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f" },
	{ "017f22e279b07cc398c4dc0c0c07398f",
	    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
	    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f" },
};

START_TEST(a_prefix_spans_all_that_begin_with_it)
{
	unsigned char low[16], high[16];
	char text[UUID_TEXT_MAX];

	ck_assert(uuid_range(ranges[_i].text, low, high));
	uuid_text(low, text);
	ck_assert_str_eq(text, ranges[_i].low);
	uuid_text(high, text);
	ck_assert_str_eq(text, ranges[_i].high);
}
END_TEST

static const char *const strangers[] = { "", "-", "g", "0 ", "last", "0x1",
	"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0" };

START_TEST(what_is_no_prefix_has_no_range)
{
	unsigned char low[16], high[16];

	ck_assert(!uuid_range(strangers[_i], low, high));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("uuid");
	TCase *tc = tcase_create("uuid");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, the_fields_are_those_of_rfc_9562_appendix_a_6);
	tcase_add_test(tc, later_ones_sort_behind_earlier_ones);
	tcase_add_test(tc, no_two_made_at_one_instant_are_alike);
	tcase_add_loop_test(tc, a_prefix_spans_all_that_begin_with_it, 0,
	    sizeof(ranges) / sizeof(*ranges));
	tcase_add_loop_test(tc, what_is_no_prefix_has_no_range, 0,
	    sizeof(strangers) / sizeof(*strangers));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
