#include "record/checkpoint.h"

#include "record/database.h"

static void *
copy_when_told(void *arg)
{
	struct checkpoint *c = arg;
	int pages, copied;

	for (;;) {
		bell_wait(&c->bell, -1);
		if (atomic_load(&c->stopping))
			return NULL;
		(void)pthread_mutex_lock(&c->copying);
		/* A failure (disk full) shows in the next commit, too: the WAL
		 * grows until there is no room for it. */
		if (sqlite3_wal_checkpoint_v2(c->db, NULL,
		    SQLITE_CHECKPOINT_PASSIVE, &pages, &copied) == SQLITE_OK)
			atomic_store(&c->copied, copied);
		(void)pthread_mutex_unlock(&c->copying);
	}
}

/* SQLite calls it after each commit, in the writer thread. */
static int
committed(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct checkpoint *c = arg;

	(void)db;
	(void)name;
	if (pages < c->pages)
		c->copy_at = CHECKPOINT_STEP;
	c->pages = pages;
	if (pages >= c->copy_at) {
		c->copy_at = pages + CHECKPOINT_STEP;
		bell_ring(&c->bell);
	}
	return SQLITE_OK;
}

bool
checkpoint_start(struct checkpoint *c, sqlite3 *writer, sqlite3 *db)
{
	*c = (struct checkpoint){ .writer = writer, .db = db,
	    .copy_at = CHECKPOINT_STEP, .restart_at = CHECKPOINT_MAX };
	if (!bell_init(&c->bell))
		return false;
	if (pthread_mutex_init(&c->copying, NULL) != 0)
		goto no_mutex;
	(void)sqlite3_wal_hook(writer, committed, c);
	if (pthread_create(&c->thread, NULL, copy_when_told, c) == 0)
		return true;
	(void)pthread_mutex_destroy(&c->copying);
no_mutex:
	bell_fini(&c->bell);
	return false;
}

void
checkpoint_stop(struct checkpoint *c)
{
	atomic_store(&c->stopping, true);
	bell_ring(&c->bell);
	(void)pthread_join(c->thread, NULL);
	(void)pthread_mutex_destroy(&c->copying);
	bell_fini(&c->bell);
}

/* RESTART, not TRUNCATE: writing over pages that are in memory takes 20 % less
 * CPU than writing them to a file that grows again. */
static bool
start_over(struct checkpoint *c)
{
	int status;

	(void)pthread_mutex_lock(&c->copying);
	/* Not to wait for a reader: mail does not. */
	(void)sqlite3_busy_timeout(c->writer, 0);
	status = sqlite3_wal_checkpoint_v2(c->writer, NULL,
	    SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	(void)sqlite3_busy_timeout(c->writer, DATABASE_BUSY_MS);
	(void)pthread_mutex_unlock(&c->copying);
	return status == SQLITE_OK;
}

void
checkpoint_turn(struct checkpoint *c)
{
	int left = c->pages - atomic_load(&c->copied);

	if (c->pages < c->restart_at)
		return;
	/* A long copy is the checkpointer's, while it keeps up. */
	if (left >= CHECKPOINT_STEP && c->pages < CHECKPOINT_WAIT)
		return;
	if (start_over(c)) {
		atomic_store(&c->copied, 0);
		c->restart_at = CHECKPOINT_MAX;
	} else {
		c->restart_at = c->pages + CHECKPOINT_STEP;
	}
}
