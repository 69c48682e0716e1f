/* tap_tls: what a tap keeps of TLS, that which ends at smtptap and that which
 * passes through. */
#include <stdlib.h>

#include "record/tap_part.h"
#include "record/tls_text.h"

#define CHAIN_MAX	65536	/* octets of PEM kept of a peer's chain */

static void
copy(char *to, size_t room, const char *from)
{
	text_copy(to, room, span_of(from ? from : ""));
}

static void
fill(struct recorder_tls *to, enum smtp_side side, const struct tap_tls *from)
{
	to->side = side;
	copy(to->version, sizeof to->version, from->version);
	copy(to->cipher, sizeof to->cipher, from->cipher);
	copy(to->group, sizeof to->group, from->group);
	copy(to->sni, sizeof to->sni, from->sni);
	copy(to->alpn, sizeof to->alpn, from->alpn);
	copy(to->verified, sizeof to->verified, from->verified);
	to->resumed = from->resumed;
	to->handshake_us = from->handshake_us;
	for (unsigned i = 0; i < from->n_chain; i++) {
		struct span pem = span_of(from->chain[i]);

		if (to->chain.n + pem.n > CHAIN_MAX)
			break;
		text_span(&to->chain, pem);
	}
}

static void
enter_facts(struct recorder_session *facts, const struct recorder_tls *tls)
{
	if (tls->side == SMTP_SERVER) {
		tls_text_short(facts->tls_server, sizeof facts->tls_server,
		    tls);
		return;
	}
	tls_text_short(facts->tls_client, sizeof facts->tls_client, tls);
	copy(facts->sni, sizeof facts->sni, tls->sni);
}

void
tap_secured(struct tap *t, enum smtp_side side, const struct tap_tls *from,
    int64_t now_ns)
{
	struct recorder_tls *tls = calloc(1, sizeof *tls);
	struct wire_frame f = { .kind = WIRE_SECURED, .side = side };
	struct text words = { 0 };

	if (tls == NULL)
		return;
	fill(tls, side, from);
	enter_facts(&t->facts, tls);
	if (t->state && t->port) {
		f.t_us = tls->t_us = tap_tick(t, now_ns);
		tls_text(&words, tls);
		f.bytes = text_all(&words);
		tap_frame(t, &f);
		tap_keep_tls(t, tls);
		text_free(&words);
		return;
	}
	text_free(&tls->chain);
	free(tls);
}

void
tap_look_at_tls(struct tap *t, const struct smtp_event *ev, enum tap_fate fate)
{
	struct tap_state *s = t->state;

	if (fate != TAP_FORWARDED)
		return;
	if (ev->fact == SMTP_FACT_TLS_BEGINS && s->opaque == NULL)
		s->opaque = calloc(1, sizeof *s->opaque);
	else if (ev->tile == SMTP_OPAQUE && s->opaque &&
	    opaque_take(s->opaque, ev->side, ev->raw, s->event_us))
		opaque_session(s->opaque, &t->facts);
}

void
tap_end_tls(struct tap *t)
{
	struct tap_state *s = t->state;

	for (int side = 0; side < 2 && s->opaque && t->port; side++) {
		struct recorder_tls *tls = calloc(1, sizeof *tls);

		if (tls == NULL)
			break;
		opaque_tls(s->opaque, (enum smtp_side)side, tls);
		tap_keep_tls(t, tls);
	}
	free(s->opaque);
	s->opaque = NULL;
}
