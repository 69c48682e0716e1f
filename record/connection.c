#include "record/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "record/statement.h"
#include "record/text.h"

bool
connection_refused(const char *path, const char *why,
    char error[RECORD_ERROR_MAX])
{
	(void)snprintf(error, RECORD_ERROR_MAX, "database %.*s: %s",
	    RECORD_ERROR_MAX / 2, path, why);
	return false;
}

bool
connection_failed(sqlite3 *db, const char *path, char error[RECORD_ERROR_MAX])
{
	char why[RECORD_ERROR_MAX / 2] = "out of memory";

	if (db)
		statement_error(db, why, sizeof(why));
	return connection_refused(path, why, error);
}

/* As a URI, because ":memory:" and "file:x" would not be taken for paths. */
static bool
put_uri(struct text *t, const char *path, const char *parameters)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._~/";

	text_str(t, path[0] == '/' ? "file:" : "file:./");
	for (; *path; path++) {
		if (strchr(safe, *path))
			text_put(t, path, 1);
		else
			text_printf(t, "%%%02x", (unsigned char)*path);
	}
	text_printf(t, "?%s", parameters);
	text_put(t, "", 1);
	return !t->failed;
}

int
connection_create(const char *path)
{
	/* Not to hang on a FIFO. */
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = open(path, flags);

	if (fd < 0 && errno == ENOENT)
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	return fd;
}

bool
connection_open(sqlite3 **db, const char *path, const char *parameters,
    char error[RECORD_ERROR_MAX])
{
	struct text uri = { 0 };
	int status = SQLITE_NOMEM;

	*db = NULL;
	if (put_uri(&uri, path, parameters))
		status = sqlite3_open_v2(uri.p, db, SQLITE_OPEN_URI |
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	text_free(&uri);
	if (status == SQLITE_OK)
		return true;
	(void)connection_failed(*db, path, error);
	(void)sqlite3_close(*db);
	*db = NULL;
	return false;
}

bool
connection_set(sqlite3 *db, enum sql_name settings, const char *path,
    char error[RECORD_ERROR_MAX])
{
	return sqlite3_exec(db, sql_statements[settings].text, NULL, NULL, NULL)
	    == SQLITE_OK || connection_failed(db, path, error);
}
