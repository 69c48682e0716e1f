/* document: a recorded session as one JSON object; see docs/TRANSCRIPT.md. */
#ifndef REPLAY_DOCUMENT_H
#define REPLAY_DOCUMENT_H

#include <jansson.h>

#include "record/store.h"

/* The row of the view session with its exchanges, messages, events and wire.
 * New; NULL and a sentence if the wire log is damaged. Ends the program if the
 * database cannot be read or there is no memory. */
json_t *document(struct store *, int64_t session, char error[RECORD_ERROR_MAX]);

#endif
