/* happenings: the recorded events of a session, to be told at their place.
 *
 * Where lines are what the engine understood, an anomaly is told behind the line
 * that has it, a rule behind the line that has what it fired on, another event
 * before the first line that came later. */
#ifndef REPLAY_HAPPENINGS_H
#define REPLAY_HAPPENINGS_H

#include <stdio.h>

#include "record/store.h"

struct happening {
	int64_t t_us;
	char *name, *severity, *detail, *rule;	/* in one allocation, at name */
	size_t place;		/* among those of its time */
	bool told;
};

struct happenings {
	struct happening *list;		/* in order of time; at one time, rules
					 * behind what is odd */
	size_t n, first;		/* all before first are told */
	bool timed;			/* tell when, in front */
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

/* Tell the rules that fired between from_us and t_us on something in line. */
void happenings_fired(struct happenings *, struct span line, int64_t from_us,
    int64_t t_us, FILE *, bool colored, const char *indent);

#endif
