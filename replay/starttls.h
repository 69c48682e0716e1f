/* starttls: asks a server for TLS before a session that was recorded without.
 *
 * Says EHLO and STARTTLS, as smtptap's own, and reads the replies. One thread. */
#ifndef REPLAY_STARTTLS_H
#define REPLAY_STARTTLS_H

#include "replay/link.h"
#include "replay/replies.h"
#include "replay/stage.h"

/* Wait for a whole reply. False: the deadline has passed, or the server has
 * closed. */
bool starttls_reply(struct link *, struct replies *, int64_t deadline,
    struct compare_reply *);

/* Behind the greeting. helo: the name for EHLO. True: the server is ready for the
 * handshake. False and a sentence. */
bool starttls_ask(struct link *, struct replies *, const struct stage *,
    struct span helo, int64_t deadline, char error[NET_ERROR_MAX]);

/* The server's part: answer the client, until it has asked for TLS and our reply
 * to that has gone. What it said behind that is forgotten. False: the client has
 * left, or the deadline has passed. signals: as link_side. */
bool starttls_offer(struct link *, const struct stage *, int64_t deadline,
    int signals);

#endif
