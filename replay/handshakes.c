#include "replay/handshakes.h"

void
handshakes_open(struct handshakes *h, const struct store_wire *wire)
{
	*h = (struct handshakes){ .asks = 0 };
	for (size_t i = 0; i < wire->n; i++) {
		const struct store_segment *seg = &wire->segments[i];

		h->asks += seg->kind == WIRE_OWN && seg->side == SMTP_CLIENT;
		if (seg->kind != WIRE_SECURED)
			continue;
		h->last = i;
		h->left++;
	}
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
handshakes_command(struct handshakes *h, enum smtp_verb verb)
{
	h->starttls |= verb == SMTP_STARTTLS || verb == SMTP_XANONTLS;
}

void
handshakes_reply(struct handshakes *h, int code)
{
	h->starttls &= code / 100 == 2;
}

void
handshakes_ask(struct handshakes *h, struct smtp_session *smtp,
    struct span line, bool last)
{
	enum smtp_verb verb = handshakes_verb(line);

	smtp_inject(smtp, verb);
	handshakes_command(h, verb);
	h->asking = true;
	h->asks -= last;
}

bool
handshakes_hold_client(const struct handshakes *h,
    const struct smtp_session *smtp)
{
	enum smtp_verb verb = smtp_answering(smtp);

	if (h->starttls && h->left)
		return true;
	return h->asks && (h->asking || verb == SMTP_EHLO ||
	    verb == SMTP_LHLO);
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
