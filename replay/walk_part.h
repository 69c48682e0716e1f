/* walk_part: how the walk cuts units off what a side has said. Private to walk. */
#ifndef REPLAY_WALK_PART_H
#define REPLAY_WALK_PART_H

#include "replay/walk.h"

/* A unit of this side, if it is its turn and the engine can tell one. */
bool walk_cut(struct walk *, enum smtp_side, struct walk_unit *);

/* What that side said in the clear and nobody has read, when it comes to TLS.
 * False: there is nothing. */
bool walk_drop_clear(struct walk *, enum smtp_side, struct walk_unit *);

#endif
