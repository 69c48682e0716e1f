/* batch: writes parts to the database, many in one transaction.
 *
 * Wire logs are copied into packs, one after the other; every pack that fills,
 * and the last one of a batch, becomes a row: full ones in the bulk file, the
 * last one in the database. A batch that fails has changed nothing, and can be
 * written again. Writer thread. */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

#include "record/bulk.h"
#include "record/recorder.h"
#include "record/statement.h"
#include "record/text.h"

#define BATCH_PACK_MAX	(1 << 20)	/* octets of a pack */
#define BATCH_PART_BITS	24		/* ids of parts and messages are
					 * session << 24 | n */
#define BATCH_SESSION_MAX ((INT64_C(1) << (63 - BATCH_PART_BITS)) - 1)

struct batch {
	struct statements sql;
	struct bulk bulk;
	bool one_file;			/* this try goes without the bulk file */
	int64_t node;			/* this machine */
	int64_t next_pack;
	struct text pack;		/* the pack under way */
	struct text extents, exchanges, events;	/* scratch */
};

/* What is to be known before the first batch: this machine's row, ids in use.
 * Sessions left open are marked interrupted. path is db's. False and a
 * sentence on failure. */
bool batch_init(struct batch *, sqlite3 *db, const char *path,
    uint64_t *last_session, char error[RECORD_ERROR_MAX]);
void batch_fini(struct batch *);

/* Sessions that were dropped. */
struct batch_gap {
	uint64_t sessions;
	int64_t start_us, end_us;	/* since 1970 */
};

/* Write and commit a list of parts, and a gap unless it is of no session. False:
 * nothing of it is in the database; reason says why, as a phrase. The parts stay
 * the caller's. */
bool batch_write(struct batch *, const struct recorder_part *,
    const struct batch_gap *, char reason[RECORD_ERROR_MAX]);

#endif
