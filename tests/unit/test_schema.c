/* schema: our databases are told from others, the statements all prepare. */
#include "record/schema.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/statement.h"
#include "tests/unit/recording.h"

static sqlite3 *db;
static char error[RECORD_ERROR_MAX];

static void
open_memory(void)
{
	ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
}

static void
close_memory(void)
{
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void
run(const char *sql)
{
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
	    "%s", sqlite3_errmsg(db));
}

static int64_t
ask(enum sql_name name)
{
	struct statements all = { .db = db };
	int64_t value;

	ck_assert(statement_int(&all, name, &value));
	statements_fini(&all);
	return value;
}

START_TEST(an_empty_database_gets_the_newest_version)
{
	ck_assert(schema_check(db, "x.db", error));
	ck_assert(!schema_current(db, "x.db", error));
	ck_assert_str_eq(error, "database x.db: is empty: nothing was recorded");
	ck_assert(schema_migrate(db, "x.db", error));
	ck_assert_int_eq(ask(SQL_USER_VERSION), SQL_VERSION);
	ck_assert_int_eq(ask(SQL_APPLICATION_ID), SCHEMA_APPLICATION_ID);
	ck_assert(schema_check(db, "x.db", error));
	ck_assert(schema_current(db, "x.db", error));
	ck_assert(schema_migrate(db, "x.db", error));
}
END_TEST

START_TEST(every_older_version_is_brought_up_to_the_newest)
{
	for (int i = 0; i < _i; i++)
		run(sql_schema[i].text);
	ck_assert_int_eq(ask(SQL_USER_VERSION), _i);
	ck_assert(schema_check(db, "x.db", error));
	ck_assert(schema_migrate(db, "x.db", error));
	ck_assert_int_eq(ask(SQL_USER_VERSION), SQL_VERSION);
}
END_TEST

START_TEST(a_newer_version_is_refused)
{
	ck_assert(schema_migrate(db, "x.db", error));
	run("pragma user_version = 999");
	ck_assert(!schema_check(db, "x.db", error));
	ck_assert(strstr(error, "database x.db: was made by a newer smtptap: "
	    "its schema is version 999, this one knows ") != NULL);
	ck_assert(!schema_current(db, "x.db", error));
}
END_TEST

static const struct { const char *made_by, *sql; } foreign[] = {
	{ "somebody", "create table mail(id int)" },
	{ "somebody with our version", "create table mail(id int);"
	    "pragma user_version = 1" },
	{ "an application", "pragma application_id = 0x0f055111" },
	{ "nobody, version 7", "pragma user_version = 7" },
	{ "us, before there was a schema", "pragma application_id = 0x53544150;"
	    "create table t(x)" },
};

START_TEST(a_foreign_database_is_refused)
{
	run(foreign[_i].sql);
	ck_assert_msg(!schema_check(db, "x.db", error), "%s",
	    foreign[_i].made_by);
	ck_assert_str_eq(error, "database x.db: was not made by smtptap");
}
END_TEST

static const char *const alterations[] = {
	"drop view message",
	"drop view message; create view message as select 1 as session_id",
	"alter table part add column more",
	"drop table pack",
};

START_TEST(a_database_whose_schema_was_altered_is_refused)
{
	ck_assert(schema_migrate(db, "x.db", error));
	run(alterations[_i]);
	ck_assert_msg(!schema_check(db, "x.db", error), "%s", alterations[_i]);
	ck_assert_str_eq(error,
	    "database x.db: its tables or views are not those smtptap made");
	ck_assert(!schema_current(db, "x.db", error));
}
END_TEST

START_TEST(what_an_analyst_adds_is_no_alteration)
{
	ck_assert(schema_migrate(db, "x.db", error));
	run("create index by_uuid on session_row(uuid);"
	    "create view mine as select * from session; analyze;"
	    "create table notes(id integer primary key, text)");
	ck_assert_msg(schema_current(db, "x.db", error), "%s", error);
}
END_TEST

START_TEST(a_migration_that_fails_changes_nothing)
{
	/* Stands in the way of the first migration. */
	run("create table part(x)");
	ck_assert(!schema_migrate(db, "x.db", error));
	ck_assert(strstr(error, "table part already exists") != NULL);
	ck_assert_int_eq(ask(SQL_TABLE_COUNT), 1);
	ck_assert_int_eq(ask(SQL_USER_VERSION), 0);
}
END_TEST

START_TEST(every_named_statement_prepares)
{
	const char *rest = sql_statements[_i].text;

	ck_assert(schema_migrate(db, "x.db", error));
	/* Settings are several; of the others, all of it must be one. */
	while (*rest) {
		sqlite3_stmt *stmt;

		ck_assert_msg(sqlite3_prepare_v2(db, rest, -1, &stmt, &rest)
		    == SQLITE_OK, "%s: %s", sql_statements[_i].name,
		    sqlite3_errmsg(db));
		ck_assert_msg(!stmt || sqlite3_stmt_isexplain(stmt) == 0,
		    "%s", sql_statements[_i].name);
		sqlite3_finalize(stmt);
		while (*rest == '\n')
			rest++;
	}
}
END_TEST

START_TEST(a_foreign_file_is_left_as_it_is)
{
	const char *path = recording_path("sessions.db");
	struct recorder *r;

	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	run("create table mail(id int)");
	r = recorder_open(path, &recorder_default_limits, error);
	ck_assert_ptr_null(r);
	ck_assert(strstr(error, "was not made by smtptap") != NULL);
	ck_assert_str_eq(recording_query("pragma journal_mode"), "delete");
	ck_assert_str_eq(recording_query("select count(*) from sqlite_schema"),
	    "1");
}
END_TEST

/* The plans on which the speed of a question about one session rests: a scan
 * over session_row, then a range of rowids. */
static const struct { const char *view, *plan; } plans[] = {
	{ "session", "SCAN s" },
	{ "exchange", "SEARCH p USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" },
	{ "event", "SEARCH p USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" },
	{ "message", "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" },
	{ "tls", "SEARCH t USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" },
	{ "recipient", "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" },
};

START_TEST(a_session_is_found_by_a_range_of_rowids)
{
	char sql[128], all[1024] = "";
	sqlite3_stmt *stmt;

	ck_assert(schema_migrate(db, "x.db", error));
	(void)snprintf(sql, sizeof(sql), "explain query plan"
	    " select * from %s where %s = 'x'", plans[_i].view,
	    _i == 0 ? "id" : "session_id");
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
	    SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		(void)strncat(all, (const char *)sqlite3_column_text(stmt, 3),
		    200);
		(void)strcat(all, "\n");
	}
	sqlite3_finalize(stmt);
	ck_assert_msg(strncmp(all, "SCAN s\n", 7) == 0 &&
	    strstr(all, plans[_i].plan), "%s", all);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema");
	TCase *tc = tcase_create("schema");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, recording_setup, recording_teardown);
	tcase_add_checked_fixture(tc, open_memory, close_memory);
	tcase_add_test(tc, an_empty_database_gets_the_newest_version);
	tcase_add_loop_test(tc, every_older_version_is_brought_up_to_the_newest,
	    1, SQL_VERSION);
	tcase_add_test(tc, a_newer_version_is_refused);
	tcase_add_loop_test(tc, a_foreign_database_is_refused, 0,
	    sizeof(foreign) / sizeof(*foreign));
	tcase_add_loop_test(tc, a_database_whose_schema_was_altered_is_refused,
	    0, sizeof(alterations) / sizeof(*alterations));
	tcase_add_test(tc, what_an_analyst_adds_is_no_alteration);
	tcase_add_test(tc, a_migration_that_fails_changes_nothing);
	tcase_add_loop_test(tc, every_named_statement_prepares, 0, SQL_NAMES);
	tcase_add_test(tc, a_foreign_file_is_left_as_it_is);
	tcase_add_loop_test(tc, a_session_is_found_by_a_range_of_rowids, 0,
	    sizeof(plans) / sizeof(*plans));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
