/* order: the turns of a session (record/turns.h) as lines of its transcript.
 *
 *	*** understood: S27 C41 S30 -
 *
 * So many octets of the server's, of the client's; "-" is a mark. They are
 * written only where the engine by itself would go another way: where a policy
 * made one side wait, or the recorder both. */
#ifndef REPLAY_ORDER_H
#define REPLAY_ORDER_H

#include <stdio.h>

#include "record/store.h"

void order_print(FILE *, const struct store_wire *);

/* The text of an event. False: it tells no turns; what of it does not is
 * skipped. */
bool order_read(struct span text, struct turns *);

#endif
