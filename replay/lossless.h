/* lossless: a recorded session as text from which import makes it again.
 *
 * Every octet and what became of it, every segment with its time, every end of
 * a stream; the events as well, for readers. Mail content is written out. */
#ifndef REPLAY_LOSSLESS_H
#define REPLAY_LOSSLESS_H

#include <stdio.h>

#include "record/store.h"

/* Print it. False and a sentence if the wire log is damaged. */
bool lossless(FILE *, struct store *, int64_t session,
    char error[RECORD_ERROR_MAX]);

/* The wire alone, as text that reader.h makes the same wire of. */
void lossless_wire(FILE *, const struct store_wire *);

#endif
