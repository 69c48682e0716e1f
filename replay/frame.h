/* frame: the first and the last line of a transcript. */
#ifndef REPLAY_FRAME_H
#define REPLAY_FRAME_H

#include <stdio.h>

#include "record/store.h"

/* "=== session ID  START  CLIENT -> SERVER"; whole: with what else import needs.
 * row is one of the view session. */
void frame_head(FILE *, bool colored, sqlite3_stmt *row, bool whole);

/* "=== closed by client  0.118s", with so many decimals. */
void frame_tail(FILE *, bool colored, sqlite3_stmt *row, int decimals);

#endif
