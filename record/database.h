/* database: a recording opened for writing: created, locked, checked, migrated.
 *
 * One process writes a recording at a time: the lock is flock(2) on the file,
 * held until database_close(). SQLite's own locks are POSIX locks, which a
 * process loses when it closes any descriptor of the file: so nothing else in
 * the process may open and close it while it is open here. */
#ifndef RECORD_DATABASE_H
#define RECORD_DATABASE_H

#include <sqlite3.h>

#include "record/recorder.h"

#define DATABASE_BUSY_MS	1000	/* wait so long for another that writes */

struct database {
	sqlite3 *writer, *checkpointer;
	int lock;		/* descriptor */
};

/* Open the recording at path, or create it, mode 0600. A symbolic link, a
 * foreign, newer or locked file is refused and left as it is.
 * False and a sentence on failure. */
bool database_open(struct database *, const char *path, bool commit,
    char error[RECORD_ERROR_MAX]);

/* No statement may be left. */
void database_close(struct database *);

#endif
