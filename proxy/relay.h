/* relay: the way of a byte through a session: received, sent, understood.
 *
 * Part of conn, in the worker's thread; frees nothing, closes nothing. Times
 * are ns of CLOCK_MONOTONIC. */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include "proxy/conn.h"

/* Take what a side has sent, send it on to the other, and understand it.
 * False: that side has ended its stream, or is gone if its leg has an error. */
bool relay_read(struct conn *, enum smtp_side, int64_t now);

/* A side takes bytes again, or has been connected. */
void relay_write(struct conn *, enum smtp_side, int64_t now);

/* That side sends no more; understand what is left. reset: it is gone. */
void relay_end(struct conn *, enum smtp_side, bool reset, int64_t now);

/* All is over: what is left is understood as far as it goes. */
void relay_finish(struct conn *);

/* Go on understanding what the recorder had no room for. */
void relay_understand(struct conn *);

/* Say something of our own to the client. */
void relay_own(struct conn *, struct span reply, int64_t now);

/* Pass on ends of stream that are due, watch what must be watched, and join or
 * leave the worker's lists. The last thing done in each turn. */
void relay_update(struct conn *);

#endif
