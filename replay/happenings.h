/* happenings: the recorded events of a session, to be told at their place.
 *
 * Where lines are what the engine understood, an anomaly is told behind the line
 * that has it, another event before the first line that came later. */
#ifndef REPLAY_HAPPENINGS_H
#define REPLAY_HAPPENINGS_H

#include <stdio.h>

#include "record/store.h"

struct happening {
	int64_t t_us;
	char *name, *severity, *detail;	/* in one allocation, at name */
	bool told;
};

struct happenings {
	struct happening *list;		/* in order of time */
	size_t n, first;		/* all before first are told */
};

void happenings_load(struct happenings *, struct store *, int64_t session);
void happenings_free(struct happenings *);

/* Tell those that came before t_us and are no anomaly of a line. */
void happenings_loose(struct happenings *, int64_t t_us, FILE *, bool colored,
    const char *indent);

/* Tell all that came before t_us and are not told yet. */
void happenings_before(struct happenings *, int64_t t_us, FILE *,
    bool colored, const char *indent);

/* Tell those of these anomalies that came between from_us and t_us. */
void happenings_at(struct happenings *, uint64_t anomalies, int64_t from_us,
    int64_t t_us, FILE *, bool colored, const char *indent);

#endif
