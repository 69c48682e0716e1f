/* checkpoint: carries the WAL into the database file, beside the writer.
 *
 * A thread and a connection of its own, so that no commit waits for it: each
 * time the WAL has grown by CHECKPOINT_STEP, what is committed is copied.
 * While commits keep coming the WAL is never empty, and so never begun from
 * the front again: between two batches the writer copies the few pages that
 * are left and starts over, once it is CHECKPOINT_MAX long. If it writes faster
 * than is copied, it waits for the copy at CHECKPOINT_WAIT. Only a reader that
 * keeps an old snapshot can make the WAL longer. */
#ifndef RECORD_CHECKPOINT_H
#define RECORD_CHECKPOINT_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "record/bell.h"

#define CHECKPOINT_STEP	1024	/* pages of 16 KiB: 16 MiB */
#define CHECKPOINT_MAX	4096	/* pages: 64 MiB */
#define CHECKPOINT_WAIT	8192	/* pages: the writer waits for the copy */

struct checkpoint {
	sqlite3 *writer;
	sqlite3 *db;		/* the checkpointer's own connection */
	pthread_t thread;
	struct bell bell;
	pthread_mutex_t copying;/* held while it copies */
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
