#include "record/opaque.h"

#include <stdio.h>

bool
opaque_take(struct opaque *o, enum smtp_side side, struct span bytes,
    int64_t t_us)
{
	if (o->octets[SMTP_CLIENT] + o->octets[SMTP_SERVER] == 0)
		o->t_us = t_us;
	o->octets[side] += bytes.n;
	return hello_read(&o->hello[side], bytes);
}

static void
copy(char *to, size_t room, const char *from)
{
	text_copy(to, room, span_of(from ? from : ""));
}

/* "h2,http/1.1" of names behind their lengths. */
static void
copy_alpn(char *to, size_t room, struct span names)
{
	struct text list = { 0 };

	while (names.n) {
		size_t n = (unsigned char)span_cut(&names, 1).p[0];

		text_str(&list, list.n ? "," : "");
		text_span(&list, span_cut(&names, n < names.n ? n : names.n));
	}
	text_copy(to, room, text_all(&list));
	text_free(&list);
}

static void
take_client(const struct hello_facts *f, struct recorder_tls *tls)
{
	size_t n = 0;

	text_copy(tls->sni, sizeof(tls->sni), f->sni);
	for (unsigned i = 0; i < f->n_versions && n < sizeof(tls->offered);
	    i++)
		n += (size_t)snprintf(tls->offered + n,
		    sizeof(tls->offered) - n, n ? " %s" : "%s",
		    f->versions[i]);
}

static bool
same(struct span a, struct span b)
{
	return a.n && a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static void
take_server(const struct opaque *o, const struct hello_facts *f,
    struct recorder_tls *tls)
{
	struct hello_facts client;
	bool tls13;

	copy(tls->version, sizeof(tls->version), f->versions[0]);
	copy(tls->cipher, sizeof(tls->cipher), f->cipher);
	copy(tls->group, sizeof(tls->group), f->group);
	/* TLS 1.3 sends the client's back in any case (RFC 8446 4.1.3). */
	tls13 = strcmp(tls->version, "TLSv1.3") == 0;
	tls->resumed = tls13 ? f->psk :
	    hello_facts(&o->hello[SMTP_CLIENT], &client) &&
	    same(client.session, f->session);
}

void
opaque_tls(const struct opaque *o, enum smtp_side side,
    struct recorder_tls *tls)
{
	struct hello_facts f;

	*tls = (struct recorder_tls){ .side = side, .opaque = true,
	    .handshake_us = -1, .t_us = o->t_us, .octets = o->octets[side] };
	if (!hello_facts(&o->hello[side], &f) ||
	    f.client != (side == SMTP_CLIENT))
		return;
	copy_alpn(tls->alpn, sizeof(tls->alpn), f.alpn);
	if (f.client)
		take_client(&f, tls);
	else
		take_server(o, &f, tls);
}

void
opaque_session(const struct opaque *o, struct recorder_session *facts)
{
	struct recorder_tls client, server;

	opaque_tls(o, SMTP_CLIENT, &client);
	opaque_tls(o, SMTP_SERVER, &server);
	copy(facts->sni, sizeof(facts->sni), client.sni);
	(void)snprintf(facts->tls_client, sizeof(facts->tls_client),
	    "opaque%s%s%s%s", server.version[0] ? " " : "", server.version,
	    server.cipher[0] ? " " : "", server.cipher);
	copy(facts->tls_server, sizeof(facts->tls_server), facts->tls_client);
}
