/* schema: which version of our schema a database has, and how it gets the
 * newest. docs/SCHEMA.md describes it.
 *
 * PRAGMA application_id tells our databases from others, PRAGMA user_version
 * tells the version: the number of the last file of sql/schema/ applied. */
#ifndef RECORD_SCHEMA_H
#define RECORD_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#include "record/recorder.h"

#define SCHEMA_APPLICATION_ID	0x53544150	/* "STAP" */

/* May this database be written? True if it is ours, of this version or older,
 * with tables and views as we made them, or empty; nothing is changed. Else a
 * sentence that names path. */
bool schema_check(sqlite3 *, const char *path, char error[RECORD_ERROR_MAX]);

/* Make it readable with the statements of this version: what an older one lacks is
 * there without rows, for this connection only. As schema_check(), but an empty
 * one is refused. */
bool schema_current(sqlite3 *, const char *path, char error[RECORD_ERROR_MAX]);

/* Apply the migrations that are missing, all or none. After schema_check(). */
bool schema_migrate(sqlite3 *, const char *path, char error[RECORD_ERROR_MAX]);

#endif
