/* connection: opens SQLite on a path that is a path and nothing else, and says
 * in a sentence what went wrong. */
#ifndef RECORD_CONNECTION_H
#define RECORD_CONNECTION_H

#include <sqlite3.h>

#include "record/recorder.h"
#include "sql.h"

/* Open a file for writing, or create it, mode 0600; a symbolic link is refused.
 * The descriptor, -1: errno. Close it before SQLite opens the file, or after
 * it has closed it: see database.h. */
int connection_create(const char *path);

/* parameters: of a SQLite URI, "mode=rw". The file must be there. *db is NULL
 * after a failure. */
bool connection_open(sqlite3 **db, const char *path, const char *parameters,
    char error[RECORD_ERROR_MAX]);

/* Run settings: a name of sql/ that stands for several statements. */
bool connection_set(sqlite3 *, enum sql_name, const char *path,
    char error[RECORD_ERROR_MAX]);

/* "database PATH: " and why the last call on db failed. Always false. */
bool connection_failed(sqlite3 *db, const char *path,
    char error[RECORD_ERROR_MAX]);

/* "database PATH: why". Always false. */
bool connection_refused(const char *path, const char *why,
    char error[RECORD_ERROR_MAX]);

#endif
