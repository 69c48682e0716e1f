/* entrance: where a worker lets clients in: its doors, and who may come.
 *
 * Nobody is let in without a descriptor in hand for the other half of the
 * session, nor above max-sessions, of all or of the listener. Out of
 * descriptors, clients wait in the kernel.
 *
 * All functions run in the worker's thread, or before it has been started. */
#ifndef PROXY_ENTRANCE_H
#define PROXY_ENTRANCE_H

#include "proxy/lineup.h"

struct worker;

struct entrance {
	LIST_HEAD(, listener_door) doors;	/* open ones */
	struct settings *settings;	/* for who comes in now */
	ev_timer pause;			/* runs while out of descriptors */
	double paused, refused;		/* when, last; a new episode is logged */
	int spare;			/* a descriptor kept for the server of
					 * the next client; -1: lent */
};

void entrance_init(struct worker *);

/* From here with these settings. Doors that are not in the lineup close, behind
 * those whom the kernel has accepted already. */
void entrance_use(struct worker *, const struct lineup *);

/* Close all doors, likewise. */
void entrance_close(struct worker *);

/* No descriptor was to be had for the server of a client that has been let in.
 * True: there is one now. */
bool entrance_lend(struct worker *);

/* A session has ended: there are a place and two descriptors. */
void entrance_left(struct worker *, const struct settings_listener *);

#endif
