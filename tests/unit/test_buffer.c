/* A buffer gives back what was put in, in order, and owns nothing when empty. */
#include <check.h>
#include <stdlib.h>

#include "proxy/buffer.h"

START_TEST(an_empty_buffer_owns_no_memory)
{
	struct buffer b = { 0 };

	ck_assert_uint_eq(buffer_all(&b).n, 0);
	ck_assert(buffer_put(&b, (struct span){ NULL, 0 }));
	ck_assert_ptr_null(b.memory);
	ck_assert(buffer_put(&b, SPAN("abc")));
	buffer_drop(&b, 3);
	ck_assert_ptr_null(b.memory);
	buffer_free(&b);
}
END_TEST

START_TEST(what_is_dropped_at_the_front_is_room_at_the_end)
{
	struct buffer b = { 0 };
	size_t room;

	ck_assert(buffer_put(&b, SPAN("0123456789")));
	room = b.room;
	for (int i = 0; i < 1000; i++) {
		buffer_drop(&b, 9);
		ck_assert(buffer_put(&b, SPAN("abcdefghi")));
	}
	ck_assert_uint_eq(b.room, room);
	ck_assert_uint_eq(b.n, 10);
	ck_assert_mem_eq(buffer_all(&b).p, "iabcdefghi", 10);
	buffer_free(&b);
}
END_TEST

/* Against a model: a long array with two marks. */
START_TEST(any_puts_and_drops_keep_the_order)
{
	static char model[1 << 20];
	struct buffer b = { 0 };
	size_t from = 0, to = 0;

	for (size_t i = 0; i < sizeof(model); i++)
		model[i] = (char)(i * 7919 >> 3);
	srandom(1);
	while (to + 3000 < sizeof(model)) {
		size_t n = (size_t)random() % 3000;
		size_t drop;

		ck_assert(buffer_put(&b, (struct span){ model + to, n }));
		to += n;
		drop = (size_t)random() % (to - from + 1);
		buffer_drop(&b, drop);
		from += drop;
		ck_assert_uint_eq(b.n, to - from);
		ck_assert(memcmp(buffer_all(&b).p, model + from, b.n) == 0);
	}
	buffer_free(&b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tests = tcase_create("buffer");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, an_empty_buffer_owns_no_memory);
	tcase_add_test(tests, what_is_dropped_at_the_front_is_room_at_the_end);
	tcase_add_test(tests, any_puts_and_drops_keep_the_order);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
