/* bulk: full packs lie in a file of their own, and nothing depends on it. */
#include "record/bulk.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/store.h"
#include "tests/unit/recording.h"

#define MIB (1 << 20)

static char error[RECORD_ERROR_MAX];

static sqlite3 *
bulk_file(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(recording_path("sessions.db-bulk"), &db),
	    SQLITE_OK);
	return db;
}

static int
bulk_packs(void)
{
	sqlite3 *db = bulk_file();
	sqlite3_stmt *stmt;
	int n;

	ck_assert_int_eq(sqlite3_prepare_v2(db, "select count(*) from pack", -1,
	    &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static bool
is_there(const char *name)
{
	return access(recording_path(name), F_OK) == 0;
}

/* Octets that come back of the last session's content; 0 and error: damaged. */
static size_t
content_back(void)
{
	struct store *s = store_open(recording_path("sessions.db"), error);
	struct store_wire wire;
	size_t n = 0;

	ck_assert_msg(s != NULL, "%s", error);
	if (store_wire(s, store_find(s, "last", error), &wire, error))
		for (size_t i = 0; i < wire.n; i++)
			for (size_t k = 0; k < wire.segments[i].bytes.n; k++)
				n += wire.segments[i].bytes.p[k] == 'a';
	store_wire_free(&wire);
	store_close(s);
	return n;
}

START_TEST(a_small_recording_is_one_file)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);

	for (int i = 0; i < 20; i++)
		(void)recording_session(port, 10000);
	recording_close(r);
	ck_assert(!is_there("sessions.db-bulk"));
}
END_TEST

START_TEST(full_packs_go_into_the_bulk_file_and_come_back)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	struct stat st;

	(void)recording_session(port, 5 * MIB + 1000);
	recording_close(r);
	ck_assert_int_eq(bulk_packs(), 5);
	recording_says("select count(*) from pack where length(data) = 0", "5");
	ck_assert_uint_eq(content_back(), 5 * MIB + 1000);
	ck_assert_int_eq(stat(recording_path("sessions.db-bulk"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_reader_that_stays_in_the_bulk_file_stops_nobody)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	sqlite3 *db;

	(void)recording_session(port, 2 * MIB);
	ck_assert(recorder_flush(r));
	db = bulk_file();
	ck_assert_int_eq(sqlite3_exec(db, "begin; select count(*) from pack",
	    NULL, NULL, NULL), SQLITE_OK);
	(void)recording_session(port, 3 * MIB);
	ck_assert(recorder_flush(r));
	ck_assert_int_eq(sqlite3_exec(db, "commit", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	recording_close(r);
	ck_assert_int_eq(bulk_packs(), 2);
	recording_says("select count(*) from message", "2");
	ck_assert_uint_eq(content_back(), 3 * MIB);
}
END_TEST

START_TEST(packs_without_an_index_are_forgotten_at_the_next_start)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	sqlite3 *db;

	(void)recording_session(port, 2 * MIB);
	recording_close(r);
	db = bulk_file();
	ck_assert_int_eq(sqlite3_exec(db, "insert into pack values(99, x'00')",
	    NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	ck_assert_int_eq(bulk_packs(), 3);
	r = recording_open(&port);
	recording_close(r);
	ck_assert_int_eq(bulk_packs(), 2);
	ck_assert_uint_eq(content_back(), 2 * MIB);
}
END_TEST

START_TEST(a_bulk_file_that_is_gone_is_told)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);

	(void)recording_session(port, 2 * MIB);
	recording_close(r);
	ck_assert_int_eq(unlink(recording_path("sessions.db-bulk")), 0);
	ck_assert_uint_eq(content_back(), 0);
	ck_assert_ptr_nonnull(strstr(error, "bulk file"));
}
END_TEST

START_TEST(a_bulk_file_that_is_none_is_refused_and_left_alone)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	FILE *f;

	(void)recording_session(port, 1000);
	recording_close(r);
	f = fopen(recording_path("sessions.db-bulk"), "w");
	ck_assert(f && fputs("my own notes", f) >= 0 && fclose(f) == 0);
	r = recorder_open(recording_path("sessions.db"),
	    &recorder_default_limits, error);
	ck_assert_ptr_null(r);
	ck_assert_ptr_nonnull(strstr(error, "sessions.db-bulk"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bulk");
	TCase *t = tcase_create("bulk");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, recording_setup, recording_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_small_recording_is_one_file);
	tcase_add_test(t, full_packs_go_into_the_bulk_file_and_come_back);
	tcase_add_test(t, a_reader_that_stays_in_the_bulk_file_stops_nobody);
	tcase_add_test(t, packs_without_an_index_are_forgotten_at_the_next_start);
	tcase_add_test(t, a_bulk_file_that_is_gone_is_told);
	tcase_add_test(t, a_bulk_file_that_is_none_is_refused_and_left_alone);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
