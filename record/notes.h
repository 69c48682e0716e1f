/* notes: what was odd in a session, as rows of the view `event`.
 *
 * One element of a JSON array each (record/FORMAT.md):
 *	[t_us, side, name, severity, detail, rule]
 * At most NOTES_MAX of a session are written; all are counted. One thread. */
#ifndef RECORD_NOTES_H
#define RECORD_NOTES_H

#include "inspect/smtp.h"
#include "record/text.h"

#define NOTES_MAX 1000

struct notes {
	unsigned written;
};

/* Append a row to events. */
void notes_put(struct notes *, struct text *events, int64_t t_us,
    enum smtp_side, const char *name, const char *severity,
    struct span detail);

/* A row for each of a set of anomalies; how many they are. */
unsigned notes_anomalies(struct notes *, struct text *events, int64_t t_us,
    enum smtp_side, uint64_t anomalies, struct span detail);

#endif
