/* parting: how a session of ours is ended by us.
 *
 * Part of conn, in the worker's thread; frees nothing. */
#ifndef PROXY_PARTING_H
#define PROXY_PARTING_H

#include "proxy/conn.h"

#define PARTING_NS INT64_C(2000000000)	/* for the client to read 421 */

/* Leave the server, and the client as soon as it has read "421 STATUS NAME WHY",
 * if the protocol lets us speak; at once, if not. */
void parting_begin(struct conn *, const char *ended_by, bool speak,
    const char *status, const char *why, int64_t now);

/* A 421 of ours would not fall into the middle of a reply. */
bool parting_may_speak(const struct conn *);

/* Close the server's side. */
void parting_leave_server(struct conn *);

/* The client has been told that this is the end: time to read it. */
void parting_await_end(struct conn *, int64_t now);

/* Reset both sides; the session is over. */
void parting_reset(struct conn *);

#endif
