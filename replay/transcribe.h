/* transcribe: a recorded session as the text that people read.
 *
 * One line for each thing said, as docs/TRANSCRIPT.md has them, mail content as
 * "[1,482 bytes sha256 ...]", events where they happened. */
#ifndef REPLAY_TRANSCRIBE_H
#define REPLAY_TRANSCRIBE_H

#include <stdio.h>

#include "record/store.h"

struct transcribe_options {
	bool colored;
	bool times;	/* when each segment came */
	bool data;	/* mail content line by line */
};

/* Print it. Ends the program if the database cannot be read; false and a
 * sentence if the wire log is damaged (what came before is printed). */
bool transcribe(FILE *, struct store *, int64_t session,
    const struct transcribe_options *, char error[RECORD_ERROR_MAX]);

#endif
