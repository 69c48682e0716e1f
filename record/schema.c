#include "record/schema.h"

#include <inttypes.h>
#include <stdio.h>

#include "record/connection.h"
#include "record/statement.h"

struct schema {
	int64_t application, version, tables;
};

/* By version: what makes up for what the next one has. */
static const enum sql_name older[SQL_VERSION] = {
	[1] = SQL_OLDER_1,
};

static bool
failed(sqlite3 *db, const char *path, char error[RECORD_ERROR_MAX])
{
	if (sqlite3_errcode(db) == SQLITE_NOTADB)
		return connection_refused(path, "is not a SQLite database",
		    error);
	return connection_failed(db, path, error);
}

static bool
read_schema(sqlite3 *db, struct schema *s)
{
	struct statements all = { .db = db };
	bool ok = statement_int(&all, SQL_APPLICATION_ID, &s->application) &&
	    statement_int(&all, SQL_USER_VERSION, &s->version) &&
	    statement_int(&all, SQL_TABLE_COUNT, &s->tables);

	statements_fini(&all);
	return ok;
}

static bool
is_empty(const struct schema *s)
{
	return s->application == 0 && s->version == 0 && s->tables == 0;
}

static bool
run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool
migrate(sqlite3 *db, int64_t from, int64_t to)
{
	for (int64_t i = from; i < to; i++)
		if (!run(db, sql_schema[i].text))
			return false;
	return true;
}

/* There is the same in db as in the row that objects stands on. */
static bool
has_object(struct statements *db, sqlite3_stmt *objects)
{
	struct bind same = bind_start(db, SQL_SCHEMA_OBJECT);
	bool found;

	for (int i = 0; i < 3; i++)
		bind_str(&same, (const char *)sqlite3_column_text(objects, i));
	found = same.status == SQLITE_OK &&
	    sqlite3_step(same.stmt) == SQLITE_ROW &&
	    sqlite3_column_int(same.stmt, 0) == 1;
	if (same.stmt)
		(void)sqlite3_reset(same.stmt);
	return found;
}

/* Every table and view of ours is as this version's migrations make it: no
 * view does more than we think, no statement meets a table it does not know. */
static bool
is_as_made(sqlite3 *db, int64_t version)
{
	struct statements theirs = { .db = db }, ours = { 0 };
	sqlite3_stmt *objects = NULL;
	int status = SQLITE_ERROR;

	if (sqlite3_open(":memory:", &ours.db) == SQLITE_OK &&
	    migrate(ours.db, 0, version))
		objects = statement(&ours, SQL_SCHEMA_OBJECTS);
	while (objects && (status = sqlite3_step(objects)) == SQLITE_ROW)
		if (!has_object(&theirs, objects))
			break;
	statements_fini(&theirs);
	statements_fini(&ours);
	(void)sqlite3_close(ours.db);
	return status == SQLITE_DONE;
}

static bool
check(sqlite3 *db, const char *path, struct schema *s,
    char error[RECORD_ERROR_MAX])
{
	char why[128];

	if (!read_schema(db, s))
		return failed(db, path, error);
	if (is_empty(s))
		return true;
	if (s->application != SCHEMA_APPLICATION_ID || s->version < 1)
		return connection_refused(path, "was not made by smtptap", error);
	if (s->version <= SQL_VERSION)
		return is_as_made(db, s->version) || connection_refused(path,
		    "its tables or views are not those smtptap made", error);
	(void)snprintf(why, sizeof(why), "was made by a newer smtptap: "
	    "its schema is version %" PRId64 ", this one knows %d",
	    s->version, SQL_VERSION);
	return connection_refused(path, why, error);
}

bool
schema_check(sqlite3 *db, const char *path, char error[RECORD_ERROR_MAX])
{
	struct schema s;

	return check(db, path, &s, error);
}

bool
schema_current(sqlite3 *db, const char *path, char error[RECORD_ERROR_MAX])
{
	struct schema s;

	if (!check(db, path, &s, error))
		return false;
	if (is_empty(&s))
		return connection_refused(path,
		    "is empty: nothing was recorded", error);
	for (int64_t i = s.version; i < SQL_VERSION; i++)
		if (!connection_set(db, older[i], path, error))
			return false;
	return true;
}

bool
schema_migrate(sqlite3 *db, const char *path, char error[RECORD_ERROR_MAX])
{
	struct schema s;
	bool ok;

	if (!read_schema(db, &s))
		return failed(db, path, error);
	if (s.version >= SQL_VERSION)
		return true;
	ok = run(db, sql_statements[SQL_BEGIN].text) &&
	    migrate(db, s.version, SQL_VERSION) &&
	    run(db, sql_statements[SQL_COMMIT].text);
	if (!ok) {
		(void)failed(db, path, error);
		(void)run(db, sql_statements[SQL_ROLLBACK].text);
	}
	return ok;
}
