/* batch_tls: rows for what is known of TLS, and certificates that are new.
 *
 * Part of batch, in the writer thread. */
#ifndef RECORD_BATCH_TLS_H
#define RECORD_BATCH_TLS_H

#include "record/recorder.h"
#include "record/statement.h"

/* id: of the row. What of the chain is no PEM is left out. */
bool batch_tls(struct statements *, int64_t id, const struct recorder_tls *);

#endif
