/* checkpoint: carries the WAL into the database file, beside the writer.
 *
 * A thread and a connection of its own, so that no commit waits for it: each
 * time the WAL has grown by CHECKPOINT_STEP, what is committed is copied.
 * While commits keep coming the WAL is never empty, and so never begun from
 * the front again: between two batches the writer copies the few pages that
 * are left and starts over, once it is CHECKPOINT_MAX long. */
#ifndef RECORD_CHECKPOINT_H
#define RECORD_CHECKPOINT_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "record/bell.h"

#define CHECKPOINT_STEP	1024	/* pages of 16 KiB: 16 MiB */
#define CHECKPOINT_MAX	4096	/* pages: 64 MiB */

struct checkpoint {
	sqlite3 *writer;
	sqlite3 *db;		/* the checkpointer's own connection */
	pthread_t thread;
	struct bell bell;
	_Atomic int copied;	/* pages of the WAL that are in the file */
	_Atomic bool stopping;
	/* the writer's */
	int pages;		/* in the WAL */
	int copy_at, restart_at;	/* pages at which to do so */
};

/* Watch the WAL of writer, copy it through db. In the writer's thread, or
 * before it starts. False: no thread. */
bool checkpoint_start(struct checkpoint *, sqlite3 *writer, sqlite3 *db);
void checkpoint_stop(struct checkpoint *);

/* Between two batches, in the writer thread: start the WAL over if it is too
 * long and no reader needs it. */
void checkpoint_turn(struct checkpoint *);

#endif
