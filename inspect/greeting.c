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
static bool
mask(struct gate *g, struct span text)
{
	struct span host = scrub_host(text);
	const struct policy *p = g->now;
	struct span made;

	if (host.n == 0 || p->renames || p->scrub_hosts)
		host = p->host;
	made = gate_make(g, host.p, host.n);
	if (says_esmtp(text))
		made.n += gate_make(g, " ESMTP", 6).n;
	return gate_edit(g, text, made);
}

/* As an ASA does it: harmful, see docs/CONFIG.md. */
static bool
star(struct gate *g, struct span text)
{
	char stars[POLICY_REPLY_MAX];
	size_t n = text.n < sizeof stars ? text.n : sizeof stars;

	memset(stars, '*', n);
	return gate_edit(g, text, gate_make(g, stars, n));
}

static bool
edit_text(struct gate *g, struct span text)
{
	switch (g->now->banner) {
	case POLICY_BANNER_KEEP:
		return false;
	case POLICY_BANNER_MASK:
		return mask(g, text);
	case POLICY_BANNER_TEXT:
		return gate_edit(g, text, g->now->banner_text);
	case POLICY_BANNER_ASA:
		return star(g, text);
	}
	return false;
}

void
greeting_edit(struct gate *g, const struct smtp_event *ev)
{
	if (ev->text.p == ev->raw.p + 3)	/* the code alone */
		(void)gate_edit(g, (struct span){ ev->text.p, 0 }, SPAN(" "));
	if (edit_text(g, ev->text))
		gate_tell_edit(g, GATE_TOLD_BANNER, "banner", ev->text);
}
