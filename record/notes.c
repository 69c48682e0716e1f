#include "record/notes.h"

#include "record/secret.h"

#define DETAIL_MAX 200		/* octets of a command or reply shown in an event */

void
notes_put(struct notes *n, struct text *events, const struct note *note)
{
	if (n->written == NOTES_MAX)
		return;
	n->written++;
	text_str(events, events->n ? ",[" : "[");
	text_int(events, note->t_us);
	text_str(events, note->side == SMTP_CLIENT ? ",\"client\",\"" :
	    ",\"server\",\"");
	text_str(events, note->name);
	text_str(events, "\",\"");
	text_str(events, note->severity);
	text_str(events, "\",");
	text_json(events, note->detail);
	text_str(events, ",");
	if (note->rule)
		text_json(events, span_of(note->rule));
	else
		text_str(events, "null");
	text_str(events, "]");
}

unsigned
notes_anomalies(struct notes *n, struct text *events, const struct note *about,
    uint64_t anomalies)
{
	const struct smtp_anomaly_row *row;
	struct note note = *about;
	unsigned count = 0;

	for (int i = 0; i < SMTP_ANOMALIES; i++) {
		if (!(anomalies >> i & 1))
			continue;
		row = smtp_anomaly((enum smtp_anomaly)i);
		note.name = row->name;
		note.severity = row->severity;
		notes_put(n, events, &note);
		count++;
	}
	return count;
}

/* What an operator needs to find the place: the line, or where in the content. */
static void
describe(struct text *out, const struct smtp_event *ev, struct span secret,
    uint64_t at)
{
	struct span line = span_chomp(ev->raw);

	switch (ev->tile) {
	case SMTP_COMMAND:
	case SMTP_REPLY:
		secret_redact(out, line, secret);
		if (out->n > DETAIL_MAX)
			out->n = DETAIL_MAX;
		break;
	case SMTP_CONTENT:
		text_str(out, "by octet ");
		text_int(out, (int64_t)at);
		text_str(out, " of the content");
		break;
	case SMTP_CREDENTIAL:
	case SMTP_END_OF_DATA:
	case SMTP_OPAQUE:
	case SMTP_TILES:
		text_str(out, smtp_tile_name(ev->tile));
	}
}

/* In content, one row for each kind in a message is enough. */
static uint64_t
unreported(const struct smtp_event *ev, struct content *content)
{
	uint64_t odd = ev->anomalies;

	if (ev->tile != SMTP_CONTENT || content == NULL)
		return odd;
	odd &= ~content->reported;
	content->reported |= odd;
	return odd;
}

unsigned
notes_event(struct notes *n, struct text *events, int64_t t_us,
    const struct smtp_event *ev, struct span secret, struct content *content,
    uint64_t at)
{
	struct note about = { .t_us = t_us, .side = ev->side };
	uint64_t odd = unreported(ev, content);
	struct text detail = { 0 };
	unsigned count;

	if (odd == 0)
		return 0;
	describe(&detail, ev, secret, at);
	about.detail = text_all(&detail);
	count = notes_anomalies(n, events, &about, odd);
	text_free(&detail);
	return count;
}
