#include "replay/handshakes.h"

static bool
is_ask(const struct store_segment *seg)
{
	return seg->kind == WIRE_OWN && seg->side == SMTP_CLIENT;
}

static bool
starts_tls(enum smtp_verb verb)
{
	return verb == SMTP_STARTTLS || verb == SMTP_XANONTLS;
}

static bool
lists_keywords(enum smtp_verb verb)
{
	return verb == SMTP_EHLO || verb == SMTP_LHLO;
}

enum smtp_verb
handshakes_verb(struct span line)
{
	struct smtp_session server;
	struct smtp_event as;

	smtp_start(&server);
	return smtp_next(&server, SMTP_CLIENT, &line, &as) == SMTP_EVENT ?
	    as.verb : SMTP_NONE;
}

void
handshakes_open(struct handshakes *h, const struct store_wire *wire)
{
	*h = (struct handshakes){ .wire = wire };
	for (size_t i = 0; i < wire->n; i++) {
		const struct store_segment *seg = &wire->segments[i];

		if (is_ask(seg) && h->asks++ == 0)
			h->originates = starts_tls(handshakes_verb(
			    seg->bytes));
		if (seg->kind != WIRE_SECURED)
			continue;
		h->last = i;
		h->left++;
	}
}

void
handshakes_command(struct handshakes *h, enum smtp_verb verb)
{
	h->starttls |= starts_tls(verb);
}

/* The server said 220, and no TLS came of it, but smtptap then spoke to a server:
 * to another one, that greets. */
static void
rejoin(struct handshakes *h, struct smtp_session *smtp, size_t segment)
{
	const struct store_wire *w = h->wire;

	while (segment < w->n && w->segments[segment].kind != WIRE_SECURED &&
	    !is_ask(&w->segments[segment]))
		segment++;
	if (segment == w->n || !is_ask(&w->segments[segment]))
		return;
	smtp_tls_started(smtp);
	smtp_inject(smtp, SMTP_CONNECT);
	h->asking = true;
}

void
handshakes_reply(struct handshakes *h, struct smtp_session *smtp,
    const struct smtp_event *ev, bool withheld, size_t segment)
{
	if (starts_tls(ev->verb))
		h->starttls &= ev->code / 100 == 2;
	if (withheld && h->originates && lists_keywords(ev->verb))
		h->asking = true;
	if (withheld && ev->fact == SMTP_FACT_TLS_BEGINS)
		rejoin(h, smtp, segment);
}

void
handshakes_declined(struct handshakes *h)
{
	h->starttls = false;
}

void
handshakes_ask(struct handshakes *h, struct smtp_session *smtp,
    struct span line, bool last)
{
	enum smtp_verb verb = handshakes_verb(line);

	smtp_inject(smtp, verb);
	handshakes_command(h, verb);
	h->asks -= last;
}

bool
handshakes_hold_client(const struct handshakes *h,
    const struct smtp_session *smtp)
{
	if (h->starttls && h->left)
		return true;
	return h->asks && (h->asking || (h->originates &&
	    lists_keywords(smtp_answering(smtp))));
}

bool
handshakes_done(struct handshakes *h, struct smtp_session *smtp,
    size_t segment)
{
	h->left--;
	/* Without a STARTTLS, TLS came before the greeting. */
	if (segment != h->last || !h->starttls)
		return false;
	smtp_tls_started(smtp);
	h->starttls = false;
	return true;
}
