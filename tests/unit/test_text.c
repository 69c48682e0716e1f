/* text: bytes appended, JSON that every reader takes. */
#include "record/text.h"

#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>

static struct text t;

static void
empty_text(void)
{
	text_free(&t);
}

static void
assert_text(const char *expected)
{
	ck_assert(!t.failed);
	ck_assert_uint_eq(t.n, strlen(expected));
	ck_assert_msg(memcmp(t.p, expected, t.n) == 0, "%.*s, not %s",
	    (int)t.n, t.p, expected);
}

START_TEST(appends_of_every_kind_follow_each_other)
{
	text_str(&t, "a");
	text_put(&t, "bcd", 2);
	text_span(&t, SPAN("-"));
	text_int(&t, INT64_MIN);
	text_int(&t, 0);
	text_printf(&t, "<%s %d>", "x", 7);
	assert_text("abc--92233720368547758080<x 7>");
}
END_TEST

START_TEST(nothing_is_lost_while_it_grows)
{
	for (int i = 0; i < 100000; i++)
		text_put(&t, &(char){ (char)(i % 251) }, 1);
	ck_assert_uint_eq(t.n, 100000);
	for (int i = 0; i < 100000; i++)
		ck_assert_int_eq(t.p[i], (char)(i % 251));
}
END_TEST

START_TEST(clear_keeps_the_memory)
{
	text_printf(&t, "%0500d", 1);
	size_t room = t.room;

	text_clear(&t);
	ck_assert_uint_eq(t.n, 0);
	ck_assert_uint_eq(t.room, room);
}
END_TEST

START_TEST(growth_that_fails_is_remembered_and_drops_only_what_does_not_fit)
{
	text_str(&t, "kept");
	ck_assert_ptr_null(text_grow(&t, SIZE_MAX / 2));
	ck_assert(t.failed);
	ck_assert_uint_eq(t.n, 4);
	text_clear(&t);
	ck_assert(!t.failed);
}
END_TEST

static const struct { const char *in; size_t n; const char *json; } strings[] = {
	{ "", 0, "\"\"" },
	{ "MAIL FROM:<a@b>", 15, "\"MAIL FROM:<a@b>\"" },
	{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
	{ "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"" },
	{ "\x01\x1f\x7f", 3, "\"\\u0001\\u001f\x7f\"" },
	{ "a\0b", 3, "\"a\\\\x00b\"" },		/* SQLite ends at \u0000 */
	{ "gr\xc3\xbc\xc3\x9f", 6, "\"gr\xc3\xbc\xc3\x9f\"" },
	{ "\xe2\x82\xac\xf0\x9f\x93\xa7", 7, "\"\xe2\x82\xac\xf0\x9f\x93\xa7\"" },
	{ "\xfcml", 3, "\"\\\\xfcml\"" },		/* Latin-1 */
	{ "\xc3", 1, "\"\\\\xc3\"" },			/* cut in a character */
	{ "\xe2\x82", 2, "\"\\\\xe2\\\\x82\"" },
	{ "\xc0\xaf", 2, "\"\\\\xc0\\\\xaf\"" },	/* overlong */
	{ "\xe0\x80\x80", 3, "\"\\\\xe0\\\\x80\\\\x80\"" },
	{ "\xed\xa0\x80", 3, "\"\\\\xed\\\\xa0\\\\x80\"" },	/* surrogate */
	{ "\xf4\x90\x80\x80", 4, "\"\\\\xf4\\\\x90\\\\x80\\\\x80\"" },
	{ "\xc3\xbc\xff\xc3\xbc", 5, "\"\xc3\xbc\\\\xff\xc3\xbc\"" },
	{ "\xf0\x9f\x93", 3, "\"\\\\xf0\\\\x9f\\\\x93\"" },
};

START_TEST(json_strings_are_valid_whatever_the_octets)
{
	text_json(&t, (struct span){ strings[_i].in, strings[_i].n });
	assert_text(strings[_i].json);
}
END_TEST

START_TEST(sqlite_takes_every_pair_of_octets_as_json)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;

	ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "select json_valid(?)", -1,
	    &stmt, NULL), SQLITE_OK);
	for (int i = 0; i < 65536; i++) {
		char in[2] = { (char)(i >> 8), (char)i };

		text_clear(&t);
		text_json(&t, (struct span){ in, 2 });
		sqlite3_bind_text(stmt, 1, t.p, (int)t.n, SQLITE_STATIC);
		ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
		ck_assert_msg(sqlite3_column_int(stmt, 0) == 1, "%02x %02x",
		    i >> 8, i & 255);
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}
END_TEST

/* Text for a column: valid UTF-8 whatever comes, and never cut in a character. */
START_TEST(text_copies_fit_and_are_printable)
{
	static const struct { struct span from; size_t room; const char *to; } row[] = {
		{ { "plain", 5 }, 16, "plain" },
		{ { "a\0b\xff", 4 }, 16, "a\\x00b\\xff" },
		{ { "gr\xc3\xbc\xc3\x9f", 6 }, 6, "gr\xc3\xbc" },
		{ { "\xff\xff", 2 }, 8, "\\xff" },
		{ { "abc", 3 }, 1, "" },
		{ { NULL, 0 }, 4, "" },
	};
	char to[16];

	text_copy(to, row[_i].room, row[_i].from);
	ck_assert_str_eq(to, row[_i].to);
	text_printable(&t, row[_i].from);
	ck_assert(t.n >= strlen(to) && (t.n == 0 ||
	    memcmp(t.p, to, strlen(to)) == 0));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("text");
	TCase *tc = tcase_create("text");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, NULL, empty_text);
	tcase_add_loop_test(tc, text_copies_fit_and_are_printable, 0, 6);
	tcase_add_test(tc, appends_of_every_kind_follow_each_other);
	tcase_add_test(tc, nothing_is_lost_while_it_grows);
	tcase_add_test(tc, clear_keeps_the_memory);
	tcase_add_test(tc,
	    growth_that_fails_is_remembered_and_drops_only_what_does_not_fit);
	tcase_add_loop_test(tc, json_strings_are_valid_whatever_the_octets, 0,
	    sizeof(strings) / sizeof(*strings));
	tcase_add_test(tc, sqlite_takes_every_pair_of_octets_as_json);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
