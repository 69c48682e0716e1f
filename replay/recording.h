/* recording: from a word on the command line to a script. */
#ifndef REPLAY_RECORDING_H
#define REPLAY_RECORDING_H

#include "replay/script.h"
#include "replay/verbs.h"

#define RECORDING_ID_MAX 40	/* octets of a session's id, NUL included */

/* Load the session that which names from the database of the global options,
 * and its full id. EXIT_OK, and the script is the caller's; else a sentence has
 * been said, and this is what to exit with. */
int recording_load(const struct global *, const char *which, struct script *,
    char id[RECORDING_ID_MAX]);

#endif
