#include "replay/gap.h"

/* Octets that BDAT or XEXCH50 announces. */
static uint64_t
announced(struct span argument)
{
	struct span size = span_word(&argument);
	uint64_t n = 0;

	for (size_t i = 0; i < size.n; i++) {
		if (size.p[i] < '0' || size.p[i] > '9' ||
		    n > (UINT64_MAX - 9) / 10)
			return 0;
		n = n * 10 + (uint64_t)(size.p[i] - '0');
	}
	return n;
}

void
gap_follow(struct gap *g, const struct smtp_event *ev)
{
	bool chunk = ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST;

	if (ev->tile == SMTP_COMMAND && chunk)
		g->counted_left = ev->last ? 0 : announced(ev->text);
	if (ev->tile == SMTP_COMMAND && ev->verb == SMTP_XEXCH50)
		g->announced = announced(ev->text);
	if ((ev->tile == SMTP_CONTENT && chunk) ||
	    (ev->tile == SMTP_OPAQUE && ev->verb == SMTP_XEXCH50))
		g->counted_left = ev->last || ev->raw.n > g->counted_left ? 0 :
		    g->counted_left - ev->raw.n;
	if (ev->fact == SMTP_FACT_DATA_BEGINS) {
		g->in_data = ev->verb == SMTP_DATA;
		g->counted_left = g->in_data ? 0 : g->announced;
	}
	if (ev->tile == SMTP_END_OF_DATA)
		g->in_data = g->holed = false;
}

/* Feed the engine what it must have seen where nothing was recorded. */
static void
pretend(struct gap *g, struct smtp_session *smtp, struct span bytes)
{
	struct smtp_event ev;

	while (smtp_next(smtp, SMTP_CLIENT, &bytes, &ev) == SMTP_EVENT)
		gap_follow(g, &ev);
}

void
gap_cross(struct gap *g, struct smtp_session *smtp, uint64_t octets,
    bool at_front)
{
	static const char filler[4096];

	g->holed |= g->in_data;
	while (octets > 0 && g->counted_left > 0 && at_front) {
		uint64_t n = sizeof(filler);

		n = octets < n ? octets : n;
		n = g->counted_left < n ? g->counted_left : n;
		pretend(g, smtp, (struct span){ filler, (size_t)n });
		octets -= n;
	}
}

void
gap_ends_data(struct gap *g, struct smtp_session *smtp)
{
	if (g->holed)
		pretend(g, smtp, SPAN("\r\n.\r\n"));
}
