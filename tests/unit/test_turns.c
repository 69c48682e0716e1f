/* turns: who goes by them reads in their order, or on without them. */
#include "record/turns.h"

#include <check.h>
#include <stdlib.h>

static struct turns turns;
static struct turns_order order;

static void
setup(void)
{
	turns = (struct turns){ .ends = { 0 } };
	turns_add(&turns, TURN_SERVER, 5);
	turns_add(&turns, TURN_CLIENT, 3);
	turns_add(&turns, TURN_CLIENT, 4);
	turns_add(&turns, TURN_MARK, 1);
	turns_add(&turns, TURN_CLIENT, 2);
	turns_begin(&order, &turns);
}

static void
teardown(void)
{
	turns_free(&turns);
}

static void
expect(bool client, bool server)
{
	ck_assert(turns_let(&order, SMTP_CLIENT) == client);
	ck_assert(turns_let(&order, SMTP_SERVER) == server);
}

START_TEST(neighbours_are_one_turn)
{
	ck_assert_uint_eq(turns_count(&turns), 4);
	ck_assert_uint_eq(turns_at(&turns, 1).end, 7);
	ck_assert_uint_eq(turns_at(&turns, 3).end, 9);
}
END_TEST

START_TEST(a_side_is_let_in_its_turn_only)
{
	expect(false, true);
	turns_done(&order, SMTP_SERVER, 4);
	expect(false, true);
	turns_done(&order, SMTP_SERVER, 1);
	expect(true, false);
	turns_done(&order, SMTP_CLIENT, 7);
	expect(false, false);
	ck_assert(turns_mark(&order));
	expect(true, false);
	turns_done(&order, SMTP_CLIENT, 2);
	expect(true, true);
}
END_TEST

START_TEST(what_stands_before_a_mark_is_let_in_any_order_when_that_has_come)
{
	ck_assert(!turns_mark(&order));
	expect(true, true);
	turns_done(&order, SMTP_CLIENT, 1);
	expect(true, true);
	ck_assert(turns_mark(&order));
	expect(true, false);
}
END_TEST

START_TEST(a_unit_that_ends_in_another_turn_is_counted)
{
	turns_done(&order, SMTP_SERVER, 5);
	turns_done(&order, SMTP_CLIENT, 8);
	ck_assert(turns_mark(&order));
	expect(true, false);
	turns_done(&order, SMTP_CLIENT, 1);
	expect(true, true);
}
END_TEST

START_TEST(no_turns_let_everybody)
{
	struct turns none = { .ends = { 0 } };

	turns_begin(&order, &none);
	expect(true, true);
	ck_assert(turns_mark(&order));
	turns_begin(&order, &turns);
	turns_end(&order);
	expect(true, true);
}
END_TEST

START_TEST(counts_that_would_overflow_are_no_turns)
{
	turns_add(&turns, TURN_CLIENT, UINT64_MAX);
	turns_add(&turns, TURN_CLIENT, UINT64_MAX - 9);
	ck_assert_uint_eq(turns_at(&turns, turns_count(&turns) - 1).end,
	    UINT64_MAX);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("turns");
	TCase *tests = tcase_create("turns");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, neighbours_are_one_turn);
	tcase_add_test(tests, a_side_is_let_in_its_turn_only);
	tcase_add_test(tests,
	    what_stands_before_a_mark_is_let_in_any_order_when_that_has_come);
	tcase_add_test(tests, a_unit_that_ends_in_another_turn_is_counted);
	tcase_add_test(tests, no_turns_let_everybody);
	tcase_add_test(tests, counts_that_would_overflow_are_no_turns);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
