/* store_files: the two files of a recording, for store.c and store_wire.c. */
#ifndef RECORD_STORE_FILES_H
#define RECORD_STORE_FILES_H

#include "record/store.h"

/* The connection to FILE.db-bulk, opened when first asked for; NULL: it is not
 * there or cannot be read. The store's. */
sqlite3 *store_bulk(struct store *);

/* Octets of both files: no session is larger. */
uint64_t store_octets(struct store *);

#endif
