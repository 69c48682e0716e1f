/* reload: puts another configuration in the place of the one at work.
 *
 * Whole or not at all: the file is read, all mail servers are looked up, all
 * new addresses listened on, and only then do the workers take it over, each
 * between two turns of its loop. Whatever goes wrong before is told in the
 * log, and the old one goes on. Sessions keep what they began with. The
 * recording and the number of threads cannot change: a file with others is
 * refused.
 *
 * In main's thread and loop; blocks for reading the file only. */
#ifndef PROXY_RELOAD_H
#define PROXY_RELOAD_H

#include "proxy/worker.h"

struct reload {
	struct service *service;
	struct worker **workers;	/* service->threads of them */
	const struct options *options;
	struct lineup *now;		/* at work; NULL: not yet */
	struct lineup *next;		/* being taken over; NULL: none */
	struct settings *found;		/* being resolved; NULL: none */
	LIST_HEAD(, settings) old;	/* of sessions begun before */
	bool again;			/* asked for meanwhile */
	bool stopped;
};

void reload_init(struct reload *, struct service *, struct worker **workers,
    const struct options *);

/* Read the first configuration, that of the command line if it names no file,
 * and listen; sets service->threads. 0; or the exit code, and the log says why.
 * May end early, with 0, after reload_stop(). */
int reload_first(struct reload *);

/* Reload, now or when what is under way is over. */
void reload_request(struct reload *);

/* service->news has come: see whether it concerns this. */
void reload_look(struct reload *);

/* Open the files that others may have moved away anew: the key logs. */
void reload_reopen(struct reload *);

/* The daemon is stopping: no more of it. */
void reload_stop(struct reload *);

/* Close all lineups and free all settings; when the workers have ended. */
void reload_close(struct reload *);

#endif
