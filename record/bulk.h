/* bulk: FILE.db-bulk, the second file of a large recording: full packs only.
 *
 * A pack in FILE.db is written twice, to the WAL and from there to the file, and
 * summed by the WAL; here it is written once. Of each pack that lies here FILE.db
 * has a row without data, committed after it: the index never points at
 * nothing, and what it does not know is overwritten or forgotten.
 *
 * The file is made when the first pack is full: a laptop's recording is one
 * file. Whatever goes wrong with it, the pack can go to FILE.db instead: no
 * function here loses anything by failing. Writer thread. */
#ifndef RECORD_BULK_H
#define RECORD_BULK_H

#include "record/recorder.h"
#include "record/statement.h"

#define BULK_BUSY_MS	100	/* wait so long for a reader */

struct bulk {
	char *path;		/* of FILE.db-bulk */
	struct statements sql;	/* sql.db NULL: not open */
	bool writing;		/* in a transaction */
};

/* path is FILE.db's. A file that is there already is opened, and what a crash
 * left in it without an index, beyond last_pack, is forgotten.
 * False and a sentence on failure. */
bool bulk_init(struct bulk *, const char *path, int64_t last_pack,
    char error[RECORD_ERROR_MAX]);
void bulk_fini(struct bulk *);

/* Begin a transaction, if there is none, and put a pack. False: roll back. */
bool bulk_put(struct bulk *, int64_t id, struct span data);

/* True also if nothing was put. False: rolled back. */
bool bulk_commit(struct bulk *);
void bulk_rollback(struct bulk *);

/* For readers: open the file that belongs to FILE.db at path. Waits for a
 * writer. NULL and a sentence on failure. */
sqlite3 *bulk_open_reader(const char *path, char error[RECORD_ERROR_MAX]);

#endif
