/* notes: what was odd in a session, as rows of the view `event`.
 *
 * One element of a JSON array each (record/FORMAT.md):
 *	[t_us, side, name, severity, detail, rule]
 * At most NOTES_MAX of a session are written; all are counted. One thread. */
#ifndef RECORD_NOTES_H
#define RECORD_NOTES_H

#include "inspect/smtp.h"
#include "record/content.h"
#include "record/text.h"

#define NOTES_MAX 1000

struct notes {
	unsigned written;
};

/* Who did what, and when. */
struct note {
	int64_t t_us;
	enum smtp_side side;
	const char *name, *severity;
	struct span detail;
	const char *rule;	/* of the policy, that fired; NULL: none */
};

/* Append a row to events. */
void notes_put(struct notes *, struct text *events, const struct note *);

/* A row for each of a set of anomalies, of which about gives time, side and
 * detail; how many they are. */
unsigned notes_anomalies(struct notes *, struct text *events,
    const struct note *about, uint64_t anomalies);

/* Rows for what is odd in ev, which came at t_us; how many. secret: the part of
 * it that must not be kept. content: of the message under way, up to octet at
 * with ev; NULL: none. In content, each kind is told once a message. */
unsigned notes_event(struct notes *, struct text *events, int64_t t_us,
    const struct smtp_event *ev, struct span secret, struct content *content,
    uint64_t at);

#endif
