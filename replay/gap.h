/* gap: helps the engine over octets of the client that were not recorded.
 *
 * Keeps up with where in the client's stream the engine is. Octets that are
 * counted (BDAT, XEXCH50) are counted off; content of DATA needs no filling, and
 * its end is made up when the server answers. Elsewhere what follows a gap may
 * be misread. */
#ifndef REPLAY_GAP_H
#define REPLAY_GAP_H

#include "inspect/smtp.h"

/* Zero-initialised is the start of a session. */
struct gap {
	uint64_t announced;	/* octets of the last XEXCH50 */
	uint64_t counted_left;	/* octets of it, or of BDAT, still to come */
	bool in_data;		/* between 354 and the end of data */
	bool holed;		/* and octets of it are missing */
};

/* An event of either side. */
void gap_follow(struct gap *, const struct smtp_event *);

/* So many octets are missing. at_front: the engine has read all before them. */
void gap_cross(struct gap *, struct smtp_session *, uint64_t octets,
    bool at_front);

/* The server speaks, and the engine has read all that the client said. */
void gap_ends_data(struct gap *, struct smtp_session *);

#endif
