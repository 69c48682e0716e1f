#include "record/schema.h"

#include <inttypes.h>
#include <stdio.h>

#include "record/connection.h"
#include "record/statement.h"

struct schema {
	int64_t application, version, tables;
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
		return true;
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
	if (s.version < SQL_VERSION)
		return connection_refused(path, "was made by an older smtptap: "
		    "smtptapd brings it up to date when it records to it",
		    error);
	return true;
}

static bool
run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
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
	ok = run(db, sql_statements[SQL_BEGIN].text);
	for (int i = (int)s.version; ok && i < SQL_VERSION; i++)
		ok = run(db, sql_schema[i].text);
	ok = ok && run(db, sql_statements[SQL_COMMIT].text);
	if (!ok) {
		(void)failed(db, path, error);
		(void)run(db, sql_statements[SQL_ROLLBACK].text);
	}
	return ok;
}
