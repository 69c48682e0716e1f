/* store: opens what is a recording, finds sessions. */
#include "record/store.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/recording.h"

static char error[RECORD_ERROR_MAX];

static struct store *
open_store(void)
{
	struct store *s = store_open(recording_path("sessions.db"), error);

	ck_assert_msg(s != NULL, "%s", error);
	return s;
}

static const struct { const char *which; int64_t id; const char *sentence; }
finds[] = {
	{ "last", 1002, NULL },
	{ "last~0", 1002, NULL },
	{ "last~2", 1000, NULL },
	{ "last~3", 0, "no session last~3 in /" },
	{ "last~99999999999999999999", 0, "no session last~9" },
	{ "last~", 0, "last~ is no session id" },
	{ "last~-1", 0, "last~-1 is no session id" },
	{ "last~1x", 0, "last~1x is no session id" },
	{ "latest", 0, "latest is no session id" },
	{ "", 0, " is no session id" },
	{ "00000000-07d0", 1000, NULL },
	{ "0000000007d0", 1000, NULL },
	{ "00000000-07", 0, "00000000-07 is the beginning of more than one" },
	{ "0", 0, "0 is the beginning of more than one" },
	{ "F", 0, "no session F in /" },
	{ "00000000-0BB8", 1001, NULL },
	{ "' or 1=1 --", 0, "is no session id" },
};

START_TEST(sessions_are_found_by_name)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	struct store *s;

	/* Milliseconds 2000, 3000 and 2001: ids 1000, 1001, 1002. */
	for (uint64_t id = 1000; id < 1003; id++) {
		struct recorder_part *p = recording_part(port, id, 0, true);

		p->session.uuid[4] = id == 1001 ? 0x0b : 0x07;
		p->session.uuid[5] = id == 1001 ? 0xb8 :
		    id == 1000 ? 0xd0 : 0xd1;
		memset(p->session.uuid, 0, 4);
		recorder_put(port, p);
	}
	recording_close(r);
	s = open_store();
	(void)strcpy(error, "");
	ck_assert_msg(store_find(s, finds[_i].which, error) == finds[_i].id,
	    "%s: %s", finds[_i].which, error);
	ck_assert_msg(finds[_i].sentence == NULL ||
	    strstr(error, finds[_i].sentence), "%s", error);
	store_close(s);
}
END_TEST

START_TEST(a_full_id_finds_its_session)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	struct store *s;
	int64_t id;

	(void)recording_session(port, 1);
	id = (int64_t)recording_session(port, 2);
	(void)recording_session(port, 3);
	recording_close(r);
	s = open_store();
	ck_assert_int_eq(store_find(s, recording_query("select id from session"
	    " where bytes_in = 2"), error), id);
	store_close(s);
}
END_TEST

/* With the settings of a reader, not only with those of the writer. */
START_TEST(every_view_can_be_read)
{
	static const char *const views[] = { "session", "exchange", "message",
		"recipient", "event" };
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	struct store *s;
	sqlite3 *db;

	(void)recording_session(port, 100);
	recording_close(r);
	s = open_store();
	db = sqlite3_db_handle(store_query(s, SQL_USER_VERSION));
	for (int i = 0; i < 5; i++) {
		sqlite3_stmt *stmt;
		char sql[64];

		(void)snprintf(sql, sizeof(sql), "select * from %s", views[i]);
		ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) ==
		    SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW, "%s: %s",
		    sql, sqlite3_errmsg(db));
		sqlite3_finalize(stmt);
	}
	store_close(s);
}
END_TEST

START_TEST(a_reader_sees_what_is_committed_while_it_is_recorded)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	struct store *s = open_store();

	for (uint64_t i = 1; i <= 3; i++) {
		(void)recording_session(port, 100);
		ck_assert(recorder_flush(r));
		ck_assert_uint_eq((uint64_t)store_find(s, "last", error), i);
	}
	recording_close(r);
	store_close(s);
}
END_TEST

static void
assert_unreadable(const char *path, const char *why)
{
	ck_assert_ptr_null(store_open(path, error));
	ck_assert_msg(strstr(error, why) && strstr(error, path), "%s", error);
}

START_TEST(what_is_no_recording_is_refused)
{
	const char *empty = recording_path("empty.db");
	const char *text = recording_path("text");
	FILE *f;

	assert_unreadable(recording_path("none.db"), "No such file");
	assert_unreadable(recording_path(""), "is not a file");
	assert_unreadable("/dev/null", "is not a file");
	f = fopen(empty, "w");
	fclose(f);
	assert_unreadable(empty, "is empty: nothing was recorded");
	f = fopen(text, "w");
	for (int i = 0; i < 1000; i++)
		fputs("not a database\n", f);
	fclose(f);
	assert_unreadable(text, "is not a SQLite database");
}
END_TEST

/* As nobody, who may not write there. */
static void
read_as_nobody(void)
{
	struct store_wire wire;
	struct store *s;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		_exit(2);
	s = store_open(recording_path("sessions.db"), error);
	if (!s) {
		puts(error);
		_exit(1);
	}
	if (store_find(s, "last", error) != 1 ||
	    !store_wire(s, 1, &wire, error) || wire.n != 2)
		_exit(3);
	store_wire_free(&wire);
	store_close(s);
	_exit(0);
}

START_TEST(a_recording_in_a_folder_that_cannot_be_written_is_read)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	int status;
	pid_t child;

	(void)recording_session(port, 100);
	recording_close(r);
	ck_assert_int_eq(chmod(recording_path("sessions.db"), 0644), 0);
	ck_assert_int_eq(chmod(recording_path(""), 0755), 0);
	if (geteuid() != 0) {
		ck_assert_int_eq(chmod(recording_path(""), 0555), 0);
		store_close(open_store());
		ck_assert_int_eq(chmod(recording_path(""), 0755), 0);
		return;
	}
	child = fork();
	if (child == 0)
		read_as_nobody();
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "exit %d", WEXITSTATUS(status));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, recording_setup, recording_teardown);
	tcase_add_loop_test(tc, sessions_are_found_by_name, 0,
	    sizeof(finds) / sizeof(*finds));
	tcase_add_test(tc, a_full_id_finds_its_session);
	tcase_add_test(tc,
	    a_reader_sees_what_is_committed_while_it_is_recorded);
	tcase_add_test(tc, every_view_can_be_read);
	tcase_add_test(tc, what_is_no_recording_is_refused);
	tcase_add_test(tc,
	    a_recording_in_a_folder_that_cannot_be_written_is_read);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
