/* greeting: what a client is told about the server before it has said a word
 * (RFC 5321 4.2, 4.3.1). */
#include "inspect/gating.h"
#include "inspect/scrub.h"

static bool
says_esmtp(struct span text)
{
	while (text.n) {
		if (span_is(span_word(&text), "ESMTP"))
			return true;
		text = span_trim(text);
	}
	return false;
}

/* The host of the greeting stays if it is one, unless we go by another name: the
 * first word is a domain in any case (RFC 5321 4.2). */
static void
mask(struct gate *g, struct span text)
{
	struct span host = scrub_host(text);
	const struct policy *p = g->now;
	bool esmtp = says_esmtp(text);

	if (host.n && !p->renames && !p->scrub_hosts) {
		gate_edit(g, span_from(text, host.n),
		    esmtp ? SPAN(" ESMTP") : SPAN(""));
		return;
	}
	gate_edit(g, text, p->host);
	if (esmtp)
		gate_edit(g, (struct span){ text.p + text.n, 0 },
		    SPAN(" ESMTP"));
}

/* As an ASA does it: harmful, see docs/CONFIG.md. */
static void
star(struct gate *g, struct span text)
{
	char stars[POLICY_REPLY_MAX];
	size_t n = text.n < sizeof stars ? text.n : sizeof stars;

	memset(stars, '*', n);
	gate_edit(g, text, gate_make(g, stars, n));
}

void
greeting_edit(struct gate *g, const struct smtp_event *ev)
{
	gate_tell_edit(g, GATE_TOLD_BANNER, "banner", ev->text);
	if (ev->text.p == ev->raw.p + 3)	/* the code alone */
		gate_edit(g, (struct span){ ev->text.p, 0 }, SPAN(" "));
	switch (g->now->banner) {
	case POLICY_BANNER_KEEP:
		break;
	case POLICY_BANNER_MASK:
		mask(g, ev->text);
		break;
	case POLICY_BANNER_TEXT:
		gate_edit(g, ev->text, g->now->banner_text);
		break;
	case POLICY_BANNER_ASA:
		star(g, ev->text);
		break;
	}
}
