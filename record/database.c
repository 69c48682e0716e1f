#include "record/database.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/connection.h"
#include "record/schema.h"

static bool
lock_file(struct database *d, const char *path, char error[RECORD_ERROR_MAX])
{
	struct stat st;

	if (*path == '\0')
		return connection_refused("\"\"", strerror(ENOENT), error);
	d->lock = connection_create(path);
	if (d->lock < 0)
		return connection_refused(path, errno == ELOOP ?
		    "is a symbolic link" : strerror(errno), error);
	if (fstat(d->lock, &st) != 0)
		return connection_refused(path, strerror(errno), error);
	if (!S_ISREG(st.st_mode))
		return connection_refused(path, "is not a file", error);
	if (flock(d->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	return connection_refused(path, errno == EWOULDBLOCK ?
	    "is in use by another smtptap process" : strerror(errno), error);
}

/* In this order: a file that is not ours stays as it is; the size of a page can
 * be chosen only before anything is written. */
static bool
set_up(struct database *d, const char *path, bool commit,
    char error[RECORD_ERROR_MAX])
{
	sqlite3 *db = d->writer;

	(void)sqlite3_busy_timeout(db, DATABASE_BUSY_MS);
	return schema_check(db, path, error) &&
	    connection_set(db, SQL_BEFORE_SCHEMA, path, error) &&
	    schema_migrate(db, path, error) &&
	    connection_set(db, SQL_WRITER_SETTINGS, path, error) &&
	    connection_set(db, commit ? SQL_SYNC_COMMIT : SQL_SYNC_ASYNC,
	    path, error) &&
	    connection_open(&d->checkpointer, path, "mode=rw", error) &&
	    connection_set(d->checkpointer, SQL_CHECKPOINTER_SETTINGS, path,
	    error);
}

bool
database_open(struct database *d, const char *path, bool commit,
    char error[RECORD_ERROR_MAX])
{
	*d = (struct database){ .lock = -1 };
	if (lock_file(d, path, error) &&
	    connection_open(&d->writer, path, "mode=rw", error) &&
	    set_up(d, path, commit, error))
		return true;
	database_close(d);
	return false;
}

void
database_close(struct database *d)
{
	/* The writer last: the last one to close merges the WAL. */
	(void)sqlite3_close(d->checkpointer);
	(void)sqlite3_close(d->writer);
	if (d->lock >= 0)
		(void)close(d->lock);
	*d = (struct database){ .lock = -1 };
}
