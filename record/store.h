/* store: reads a recording. For the companion; never in the daemon's loops.
 *
 * Opens read-only, beside a daemon that writes. The rows come from the public
 * views (docs/SCHEMA.md); the queries are in sql/, by name. Values are read
 * with sqlite3_column_*: a cursor is a prepared statement, reset by the caller
 * with sqlite3_reset() and never finalised: the store does that.
 * A recording is hostile input: every frame and extent is checked.
 * One thread. */
#ifndef RECORD_STORE_H
#define RECORD_STORE_H

#include <sqlite3.h>

#include "record/recorder.h"
#include "record/turns.h"
#include "record/wire.h"

struct store;

/* NULL and a sentence on failure: not there, not SQLite, not ours, newer. */
struct store *store_open(const char *path, char error[RECORD_ERROR_MAX]);
void store_close(struct store *);

/* The statement of that name in sql/ (build/sql.h makes the enum from the
 * files: `-- name: session_list` is SQL_SESSION_LIST), reset, unbound.
 * NULL only if the file is damaged. */
#include "sql.h"	/* made by sql/embed.awk */
sqlite3_stmt *store_query(struct store *, enum sql_name);

/* A session by full id, unique prefix, "last", "last~2". 0: none, and a
 * sentence that says whether it was not found or not unique. */
int64_t store_find(struct store *, const char *which,
    char error[RECORD_ERROR_MAX]);

/* The wire of a session, in the order in which it came. Adjacent frames of one
 * segment that differ in kind stay apart; same_segment joins them to the one
 * before. */
struct store_segment {
	enum wire_kind kind;
	enum smtp_side side;
	bool same_segment;	/* goes on the segment before; MADE and OWN in
				 * the midst of one count as part of it */
	int64_t t_us;
	uint64_t octets;	/* on the wire */
	struct span bytes;	/* as kept */
};

struct store_wire {
	struct store_segment *segments;
	size_t n;
	struct text memory;	/* what the spans borrow */
	struct turns turns;	/* none where octets are missing */
};

/* The i-th segment is no bytes of a side's, nor in the midst of such. */
bool store_is_mark(const struct store_wire *, size_t i);

/* Load it all. False and a sentence if frames are damaged; what came before
 * is there all the same. */
bool store_wire(struct store *, int64_t session, struct store_wire *,
    char error[RECORD_ERROR_MAX]);
void store_wire_free(struct store_wire *);

#endif
