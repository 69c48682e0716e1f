/* As many as the rate allows, whoever asks and however many ask at once. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/rate.h"

#define SECOND INT64_C(1000000)
#define THREADS 8
#define TRIES 20000	/* of each thread */

static struct rate_table table;

static void
set_up(void)
{
	memset(&table, 0, sizeof(table));
}

/* How many of n at this time are allowed, where a second's worth may come at
 * once. */
static unsigned
allowed(uint64_t key, double rate, int64_t now_us, unsigned n)
{
	unsigned got = 0;

	while (n-- > 0)
		got += rate_allows(&table, key, rate, rate, now_us);
	return got;
}

START_TEST(a_burst_may_come_at_once)
{
	ck_assert_uint_eq(allowed(7, 10, 5 * SECOND, 50), 10);
	ck_assert_uint_eq(allowed(8, 1, 5 * SECOND, 50), 1);
	ck_assert_uint_eq(allowed(9, 0.1, 5 * SECOND, 50), 1);
	ck_assert_uint_eq(allowed(10, 1000, 5 * SECOND, 5000), 1000);
}
END_TEST

START_TEST(then_one_each_interval)
{
	ck_assert_uint_eq(allowed(7, 10, 0, 50), 10);
	ck_assert_uint_eq(allowed(7, 10, SECOND / 10 - 1, 50), 0);
	ck_assert_uint_eq(allowed(7, 10, SECOND / 10, 50), 1);
	ck_assert_uint_eq(allowed(7, 10, SECOND / 2, 50), 4);
	ck_assert_uint_eq(allowed(7, 10, 9 * SECOND, 50), 10);
	ck_assert_uint_eq(allowed(8, 0.1, 0, 5), 1);
	ck_assert_uint_eq(allowed(8, 0.1, 10 * SECOND - 1, 5), 0);
	ck_assert_uint_eq(allowed(8, 0.1, 10 * SECOND, 5), 1);
}
END_TEST

START_TEST(an_hour_holds_what_the_rate_says)
{
	static const double rates[] = { 0.01, 0.3, 1, 3, 7, 60 };

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		double want = rates[i] * 3600, got = 0;

		for (int64_t t = 0; t < 3600 * SECOND; t += SECOND / 100)
			got += rate_allows(&table, i, rates[i], rates[i], t);
		want += rates[i] > 1 ? rates[i] : 1;
		ck_assert_msg(got > want * .999 - 2 && got < want * 1.001 + 2,
		    "%g a second: %g in an hour, not %g", rates[i], got, want);
	}
}
END_TEST

START_TEST(a_burst_has_a_size_of_its_own)
{
	unsigned got = 0;

	for (int i = 0; i < 100; i++)
		got += rate_allows(&table, 7, 60.0 / 3600, 60, SECOND);
	ck_assert_uint_eq(got, 60);
	ck_assert(!rate_allows(&table, 7, 60.0 / 3600, 60, 60 * SECOND));
	ck_assert(rate_allows(&table, 7, 60.0 / 3600, 60, 61 * SECOND));
	ck_assert(!rate_allows(&table, 7, 60.0 / 3600, 60, 61 * SECOND));
}
END_TEST

START_TEST(what_is_refused_does_not_count)
{
	ck_assert_uint_eq(allowed(7, 2, 0, 1000), 2);
	ck_assert_uint_eq(allowed(7, 2, SECOND / 2, 1), 1);
}
END_TEST

START_TEST(keys_do_not_share)
{
	for (uint64_t key = 0; key < 300; key++)
		ck_assert_uint_eq(allowed(key, 3, SECOND, 9), 3);
	for (uint64_t key = 0; key < 300; key++)
		ck_assert_uint_eq(allowed(key, 3, SECOND, 9), 0);
}
END_TEST

START_TEST(nothing_a_second_allows_nothing)
{
	ck_assert_uint_eq(allowed(7, 0, 0, 5), 0);
	ck_assert_uint_eq(allowed(7, -1, 0, 5), 0);
}
END_TEST

START_TEST(rates_of_any_size_are_bounded)
{
	ck_assert_uint_eq(allowed(7, 1e-30, SECOND, 5), 1);
	ck_assert_uint_eq(allowed(7, 1e-30, 86400 * SECOND, 5), 0);
	ck_assert_uint_eq(allowed(8, 1e30, SECOND, 5), 5);
}
END_TEST

/* The clock of a slot turns over every 200 days. */
START_TEST(no_moment_is_special)
{
	static const int64_t starts[] = {
		0, 1, INT64_C(1) << 43, (INT64_C(1) << 44) - 1, INT64_C(1) << 44,
		(INT64_C(1) << 44) - SECOND / 20, INT64_MAX - 2 * SECOND,
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		ck_assert_uint_eq(allowed(i, 10, starts[i], 20), 10);
		ck_assert_uint_eq(allowed(i, 10, starts[i] + SECOND / 10, 20),
		    1);
	}
}
END_TEST

/* A reload may give a rule's number to another rule. */
START_TEST(a_slower_rule_s_debt_is_not_inherited)
{
	ck_assert_uint_eq(allowed(7, 1.0 / 3600, 0, 5), 1);
	ck_assert_uint_eq(allowed(7, 100, SECOND, 500), 100);
}
END_TEST

START_TEST(a_full_table_allows)
{
	unsigned refused = 0;

	for (uint64_t key = 0; key < 20 * RATE_SLOTS; key++)
		refused += !rate_allows(&table, key, 0.01, 1, SECOND);
	/* a few share the tag of a neighbour */
	ck_assert_uint_le(refused, 16);
	refused = 0;
	for (uint64_t key = 0; key < 20 * RATE_SLOTS; key++)
		refused += !rate_allows(&table, key, 0.01, 1, SECOND);
	/* Those who got a place are limited: nearly as many as there are. */
	ck_assert_uint_gt(refused, RATE_SLOTS * 9 / 10);
	ck_assert_uint_le(refused, RATE_SLOTS + 16);
}
END_TEST

START_TEST(a_full_table_empties_itself)
{
	for (uint64_t key = 0; key < 20 * RATE_SLOTS; key++)
		(void)rate_allows(&table, key, 1, 1, SECOND);
	ck_assert_uint_eq(allowed(UINT64_C(1) << 40, 5, 2 * SECOND, 50), 5);
	ck_assert_uint_eq(allowed(UINT64_C(1) << 40, 5, 2 * SECOND, 50), 0);
}
END_TEST

START_TEST(the_seed_moves_keys)
{
	static struct rate_table other;
	size_t same = 0;

	memset(&other, 0, sizeof(other));
	other.seed = 12345;
	for (uint64_t key = 0; key < 100; key++) {
		(void)rate_allows(&table, key, 1, 1, SECOND);
		(void)rate_allows(&other, key, 1, 1, SECOND);
	}
	for (size_t i = 0; i < RATE_SLOTS; i++)
		same += table.slots[i] && table.slots[i] == other.slots[i];
	ck_assert_uint_eq(same, 0);
}
END_TEST

static _Atomic unsigned long passed;
static pthread_barrier_t barrier;

static void *
hammer(void *argument)
{
	unsigned keys = *(unsigned *)argument;

	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < TRIES; i++)
		passed += rate_allows(&table, i % keys, 100, 100,
		    SECOND);
	return NULL;
}

/* Each with the same keys at the same moment. */
static unsigned long
passed_by_all(unsigned keys)
{
	pthread_t threads[THREADS];

	passed = 0;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer,
		    &keys), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	return passed;
}

START_TEST(threads_share_the_rate_of_a_key)
{
	ck_assert_uint_eq(passed_by_all(1), 100);
}
END_TEST

START_TEST(threads_share_the_rates_of_many_keys)
{
	ck_assert_uint_eq(passed_by_all(50), 50 * 100);
}
END_TEST

/* While keys find places in a table full of others. */
static void *
crowd(void *argument)
{
	uint64_t first = *(uint64_t *)argument;

	pthread_barrier_wait(&barrier);
	for (uint64_t i = 0; i < TRIES; i++)
		passed += rate_allows(&table, first + i, 1, 1,
		    SECOND + (int64_t)i * 50);
	return NULL;
}

START_TEST(threads_in_a_full_table_are_all_allowed)
{
	pthread_t threads[THREADS];
	uint64_t first[THREADS];

	passed = 0;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		first[i] = (uint64_t)i * TRIES;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, crowd,
		    &first[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	/* but those few whose tag is a neighbour's */
	ck_assert_uint_gt(passed, THREADS * TRIES - 20);
}
END_TEST

static uint64_t
key_of(unsigned long rule, const char *hex)
{
	unsigned char address[16];

	for (size_t i = 0; i < 16; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		address[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return rate_key(rule, address);
}

START_TEST(a_network_is_24_bits_of_ipv4)
{
	uint64_t key = key_of(1, "00000000000000000000ffffc0000207");

	ck_assert(key == key_of(1, "00000000000000000000ffffc0000208"));
	ck_assert(key != key_of(1, "00000000000000000000ffffc0000307"));
	ck_assert(key != key_of(1, "00000000000000000000ffffc1000207"));
}
END_TEST

START_TEST(a_network_is_64_bits_of_ipv6)
{
	uint64_t key = key_of(1, "20010db8000000010000000000000001");

	ck_assert(key == key_of(1, "20010db8000000018000000000000002"));
	ck_assert(key != key_of(1, "20010db8000000020000000000000001"));
	/* ::1 is not 0.0.0.0/24 */
	ck_assert(key_of(1, "00000000000000000000000000000001") !=
	    key_of(1, "00000000000000000000ffff00000001"));
}
END_TEST

START_TEST(rules_count_for_themselves)
{
	ck_assert(key_of(1, "00000000000000000000ffffc0000207") !=
	    key_of(2, "00000000000000000000ffffc0000207"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rate");
	TCase *tests = tcase_create("rate");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_burst_may_come_at_once);
	tcase_add_test(tests, then_one_each_interval);
	tcase_add_test(tests, an_hour_holds_what_the_rate_says);
	tcase_add_test(tests, a_burst_has_a_size_of_its_own);
	tcase_add_test(tests, what_is_refused_does_not_count);
	tcase_add_test(tests, keys_do_not_share);
	tcase_add_test(tests, nothing_a_second_allows_nothing);
	tcase_add_test(tests, rates_of_any_size_are_bounded);
	tcase_add_test(tests, no_moment_is_special);
	tcase_add_test(tests, a_slower_rule_s_debt_is_not_inherited);
	tcase_add_test(tests, a_full_table_allows);
	tcase_add_test(tests, a_full_table_empties_itself);
	tcase_add_test(tests, the_seed_moves_keys);
	tcase_add_test(tests, threads_share_the_rate_of_a_key);
	tcase_add_test(tests, threads_share_the_rates_of_many_keys);
	tcase_add_test(tests, threads_in_a_full_table_are_all_allowed);
	tcase_add_test(tests, a_network_is_24_bits_of_ipv4);
	tcase_add_test(tests, a_network_is_64_bits_of_ipv6);
	tcase_add_test(tests, rules_count_for_themselves);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
