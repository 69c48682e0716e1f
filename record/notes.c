#include "record/notes.h"

void
notes_put(struct notes *n, struct text *events, int64_t t_us,
    enum smtp_side side, const char *name, const char *severity,
    struct span detail)
{
	if (n->written == NOTES_MAX)
		return;
	n->written++;
	text_str(events, events->n ? ",[" : "[");
	text_int(events, t_us);
	text_str(events, side == SMTP_CLIENT ? ",\"client\",\"" :
	    ",\"server\",\"");
	text_str(events, name);
	text_str(events, "\",\"");
	text_str(events, severity);
	text_str(events, "\",");
	text_json(events, detail);
	text_str(events, ",null]");
}

unsigned
notes_anomalies(struct notes *n, struct text *events, int64_t t_us,
    enum smtp_side side, uint64_t anomalies, struct span detail)
{
	const struct smtp_anomaly_row *row;
	unsigned count = 0;

	for (int i = 0; i < SMTP_ANOMALIES; i++) {
		if (!(anomalies >> i & 1))
			continue;
		row = smtp_anomaly((enum smtp_anomaly)i);
		notes_put(n, events, t_us, side, row->name, row->severity,
		    detail);
		count++;
	}
	return count;
}
