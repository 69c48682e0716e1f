#include "record/bulk.h"

#include <stdlib.h>
#include <unistd.h>

#include "record/connection.h"
#include "record/text.h"

#define READER_BUSY_MS 5000

/* FILE.db-bulk, on the heap; NULL: out of memory. */
static char *
bulk_path(const char *path)
{
	struct text t = { 0 };

	text_printf(&t, "%s-bulk", path);
	text_put(&t, "", 1);
	if (t.failed)
		text_free(&t);
	return t.p;
}

static bool
open_file(struct bulk *b, char error[RECORD_ERROR_MAX])
{
	sqlite3 *db;

	if (!connection_open(&db, b->path, "mode=rw", error))
		return false;
	(void)sqlite3_busy_timeout(db, BULK_BUSY_MS);
	if (connection_set(db, SQL_BULK_SETTINGS, b->path, error) &&
	    connection_set(db, SQL_BULK_SCHEMA, b->path, error)) {
		b->sql.db = db;
		return true;
	}
	(void)sqlite3_close(db);
	return false;
}

static bool
create_file(struct bulk *b)
{
	char error[RECORD_ERROR_MAX];
	int fd = connection_create(b->path);

	if (fd < 0)
		return false;
	(void)close(fd);
	return open_file(b, error);
}

static bool
run(struct bulk *b, enum sql_name name)
{
	struct bind v = bind_start(&b->sql, name);

	return bind_run(&v);
}

bool
bulk_init(struct bulk *b, const char *path, int64_t last_pack,
    char error[RECORD_ERROR_MAX])
{
	struct bind v;

	*b = (struct bulk){ .path = bulk_path(path) };
	if (!b->path)
		return connection_refused(path, "out of memory", error);
	if (access(b->path, F_OK) != 0)
		return true;
	if (!open_file(b, error))
		return false;
	v = bind_start(&b->sql, SQL_BULK_FORGET);
	bind_int(&v, last_pack);
	return bind_run(&v) || connection_failed(b->sql.db, b->path, error);
}

void
bulk_fini(struct bulk *b)
{
	statements_fini(&b->sql);
	(void)sqlite3_close(b->sql.db);
	free(b->path);
	*b = (struct bulk){ 0 };
}

static bool
begin(struct bulk *b)
{
	if (!b->sql.db && !create_file(b))
		return false;
	if (!b->writing)
		b->writing = run(b, SQL_BEGIN);
	return b->writing;
}

bool
bulk_put(struct bulk *b, int64_t id, struct span data)
{
	struct bind v;

	if (!begin(b))
		return false;
	v = bind_start(&b->sql, SQL_PACK_PUT);
	bind_int(&v, id);
	bind_bytes(&v, data.p, data.n);
	return bind_run(&v);
}

bool
bulk_commit(struct bulk *b)
{
	if (!b->writing)
		return true;
	if (!run(b, SQL_COMMIT)) {
		bulk_rollback(b);
		return false;
	}
	b->writing = false;
	return true;
}

void
bulk_rollback(struct bulk *b)
{
	/* Fails if SQLite has rolled back by itself. */
	if (b->writing)
		(void)run(b, SQL_ROLLBACK);
	b->writing = false;
}

sqlite3 *
bulk_open_reader(const char *path, char error[RECORD_ERROR_MAX])
{
	char *name = bulk_path(path);
	sqlite3 *db = NULL;

	if (!name) {
		(void)connection_refused(path, "out of memory", error);
		return NULL;
	}
	/* For writing, if we may: to roll back what a crash left half done. */
	if (connection_open(&db, name, "mode=rw", error)) {
		(void)sqlite3_busy_timeout(db, READER_BUSY_MS);
		(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		if (!connection_set(db, SQL_READER_SETTINGS, name, error)) {
			(void)sqlite3_close(db);
			db = NULL;
		}
	}
	free(name);
	return db;
}
