#include "replay/happenings.h"

#include <stdlib.h>

#include "replay/print.h"
#include "replay/rows.h"

/* Columns as C strings in one allocation. */
static bool
copy_texts(struct happening *h, sqlite3_stmt *row)
{
	static const int columns[] = { EVENT_NAME, EVENT_SEVERITY,
	    EVENT_DETAIL, EVENT_RULE };
	char **const texts[] = { &h->name, &h->severity, &h->detail,
	    &h->rule };
	size_t room = 0;
	char *to;

	for (size_t i = 0; i < 4; i++)
		room += column_span(row, columns[i]).n + 1;
	to = calloc(1, room);
	for (size_t i = 0; to && i < 4; i++) {
		struct span text = column_span(row, columns[i]);

		memcpy(to, text.p, text.n);
		*texts[i] = to;
		to += text.n + 1;
	}
	return to != NULL;
}

static int
by_time(const void *left, const void *right)
{
	const struct happening *a = left, *b = right;

	if (a->t_us != b->t_us)
		return a->t_us < b->t_us ? -1 : 1;
	if (!a->rule[0] != !b->rule[0])
		return a->rule[0] ? 1 : -1;
	return a->place < b->place ? -1 : a->place > b->place;
}

void
happenings_load(struct happenings *hs, struct store *store, int64_t session)
{
	sqlite3_stmt *row = rows_of(store, SQL_SESSION_EVENTS, session);
	size_t room = 0;

	*hs = (struct happenings){ .n = 0 };
	while (rows_next(row)) {
		if (hs->n == room) {
			room = room ? 2 * room : 16;
			hs->list = reallocarray(hs->list, room,
			    sizeof(*hs->list));
		}
		if (!hs->list)
			exit(complain(EXIT_UNREADABLE, "out of memory"));
		hs->list[hs->n] = (struct happening){
			.t_us = sqlite3_column_int64(row, EVENT_T_US),
			.place = hs->n };
		if (!copy_texts(&hs->list[hs->n++], row))
			exit(complain(EXIT_UNREADABLE, "out of memory"));
	}
	sqlite3_reset(row);
	if (hs->n)
		qsort(hs->list, hs->n, sizeof(*hs->list), by_time);
}

void
happenings_free(struct happenings *hs)
{
	for (size_t i = 0; i < hs->n; i++)
		free(hs->list[i].name);
	free(hs->list);
}

static const struct smtp_anomaly_row *
anomaly_named(const char *name, int *bit)
{
	for (*bit = 0; *bit < SMTP_ANOMALIES; ++*bit) {
		const struct smtp_anomaly_row *row =
		    smtp_anomaly((enum smtp_anomaly)*bit);

		if (strcmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

static enum ink
ink_of(const struct happening *h)
{
	if (strcmp(h->severity, "attack") == 0)
		return INK_ATTACK;
	return strcmp(h->severity, "warning") == 0 ? INK_WARNING : INK_EVENT;
}

/* "*** bare-lf: a line ended by LF alone: by octet 17 of the content",
 * "*** rule "edge 3", warning: reject: RCPT TO:<a@b>" */
static void
tell(const struct happenings *hs, struct happening *h, FILE *out, bool colored,
    const char *indent)
{
	int bit;
	const struct smtp_anomaly_row *row = anomaly_named(h->name, &bit);
	char time[TRANSCRIPT_TIME_MAX];

	if (hs->timed)
		fprintf(out, "%.*s ", (int)transcript_time(h->t_us > 0 ?
		    h->t_us : 0, time), time);
	fprintf(out, "%s%s*** ", indent, print_ink(colored, ink_of(h)));
	(void)print_text(out, span_of(h->name));
	if (h->rule[0]) {
		fputs(" \"", out);
		(void)print_text(out, span_of(h->rule));
		fprintf(out, "\", %s", h->severity);
	}
	if (row)
		fprintf(out, ": %s", row->meaning);
	if (h->detail[0]) {
		fputs(": ", out);
		(void)print_text(out, span_of(h->detail));
	}
	fprintf(out, "%s\n", print_ink(colored, INK_PLAIN));
	h->told = true;
}

static void
tell_before(struct happenings *hs, int64_t t_us, bool loose, FILE *out,
    bool colored, const char *indent)
{
	int bit;

	while (hs->first < hs->n && hs->list[hs->first].told)
		hs->first++;
	for (size_t i = hs->first; i < hs->n && hs->list[i].t_us < t_us; i++)
		if (!hs->list[i].told && !(loose &&
		    anomaly_named(hs->list[i].name, &bit)))
			tell(hs, &hs->list[i], out, colored, indent);
}

void
happenings_loose(struct happenings *hs, int64_t t_us, FILE *out,
    bool colored, const char *indent)
{
	tell_before(hs, t_us, true, out, colored, indent);
}

void
happenings_before(struct happenings *hs, int64_t t_us, FILE *out,
    bool colored, const char *indent)
{
	tell_before(hs, t_us, false, out, colored, indent);
}

void
happenings_at(struct happenings *hs, uint64_t anomalies, int64_t from_us,
    int64_t t_us, FILE *out, bool colored, const char *indent)
{
	int bit;

	for (size_t i = hs->first; anomalies && i < hs->n &&
	    hs->list[i].t_us <= t_us; i++) {
		struct happening *h = &hs->list[i];

		if (h->told || h->t_us < from_us ||
		    !anomaly_named(h->name, &bit) || !(anomalies >> bit & 1))
			continue;
		anomalies &= ~(UINT64_C(1) << bit);
		tell(hs, h, out, colored, indent);
	}
}

/* What a rule fired on: "reject: VALUE". */
static struct span
value_of(const struct happening *h)
{
	const char *colon = strstr(h->detail, ": ");

	return colon ? span_of(colon + 2) : SPAN("");
}

void
happenings_fired(struct happenings *hs, struct span line, int64_t from_us,
    int64_t t_us, FILE *out, bool colored, const char *indent)
{
	for (size_t i = hs->first; i < hs->n && hs->list[i].t_us <= t_us; i++) {
		struct happening *h = &hs->list[i];
		struct span value = value_of(h);

		if (!h->told && h->rule[0] && h->t_us >= from_us && value.n &&
		    memmem(line.p, line.n, value.p, value.n))
			tell(hs, h, out, colored, indent);
	}
}
