#include "replay/script.h"

#include <stdio.h>
#include <stdlib.h>

/* Where the reading of a recording stands. */
struct reading {
	struct script *script;
	struct smtp_session smtp;
	size_t read[2];		/* octets of each stream the engine has cut off */
	struct span reply;	/* the one under way; p = NULL: none */
	size_t answered;	/* units that have all their replies */
	int64_t t_us;		/* of the segment being read */
	bool client_closed;
	bool starttls;		/* the client has said STARTTLS */
	bool secures;		/* the client will come to TLS with smtptap */
	const char *failed;	/* why it cannot be played */
};

struct span
script_raw(const struct script *s, const struct script_tile *t)
{
	return (struct span){ s->client.p + t->from, t->n };
}

struct span
script_text(const struct script *s, const struct script_tile *t)
{
	return (struct span){ s->client.p + t->from + t->text_at, t->text_n };
}

struct span
script_sent(const struct script *s, const struct script_tile *t)
{
	if (t->edit_n)
		return (struct span){ s->edits.p + t->edit_at, t->edit_n };
	return script_raw(s, t);
}

/* BDAT without octets is answered at once, with octets behind the last. */
static bool
empty_chunk(struct span argument)
{
	struct span size = span_word(&argument);

	while (size.n && size.p[0] == '0')
		size = span_from(size, 1);
	return size.n == 0;
}

bool
script_unit(const struct smtp_event *ev)
{
	bool chunk = ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST;

	switch (ev->tile) {
	case SMTP_COMMAND:
		return !chunk || (ev->anomalies & SMTP_ODD(BDAT_SYNTAX)) ||
		    empty_chunk(ev->text);
	case SMTP_CREDENTIAL:
	case SMTP_END_OF_DATA:
		return true;
	case SMTP_CONTENT:
	case SMTP_OPAQUE:
		return ev->last;
	default:
		return false;
	}
}

/* Room for one more in an array of *n elements that grows by doubling. */
static void *
one_more(struct reading *r, void *array, size_t n, size_t size)
{
	void *larger;

	if (n >= SCRIPT_MAX) {
		r->failed = "it has too many commands, segments or replies";
		return NULL;
	}
	if (n & (n - 1))
		return array;
	larger = realloc(array, (n ? 2 * n : 1) * size);
	if (larger == NULL)
		r->failed = "there is no memory for it";
	return larger;
}

static void
add_tile(struct reading *r, const struct smtp_event *ev, size_t from)
{
	struct script *s = r->script;
	struct script_tile *last = s->ntiles ? &s->tiles[s->ntiles - 1] : NULL;
	bool run = ev->tile == SMTP_CONTENT || ev->tile == SMTP_OPAQUE;
	void *grown;

	if (run && last && last->tile == ev->tile && !last->unit) {
		last->n += ev->raw.n;
		last->unit = script_unit(ev);
		return;
	}
	grown = one_more(r, s->tiles, s->ntiles, sizeof *s->tiles);
	if (grown == NULL)
		return;
	s->tiles = grown;
	s->tiles[s->ntiles++] = (struct script_tile){
		.from = from, .n = ev->raw.n,
		.text_at = ev->text.n ? (unsigned)(ev->text.p - ev->raw.p) : 0,
		.text_n = (unsigned)ev->text.n,
		.tile = (unsigned char)ev->tile,
		.verb = (unsigned char)ev->verb,
		.unit = script_unit(ev),
	};
}

static void
add_reply(struct reading *r, const struct smtp_event *ev)
{
	struct script *s = r->script;
	bool answers = ev->verb != SMTP_NONE && ev->verb != SMTP_CONNECT;
	void *grown = one_more(r, s->replies, s->nreplies, sizeof *s->replies);

	if (grown == NULL)
		return;
	s->replies = grown;
	s->replies[s->nreplies++] = (struct script_reply){
		.verb = ev->verb, .code = ev->code, .lines = r->reply,
		.unit = r->answered + answers, .t_us = r->t_us,
	};
	if (answers && ev->answered)
		r->answered++;
	r->reply.p = NULL;
}

static void
take_client(struct reading *r, const struct smtp_event *ev)
{
	add_tile(r, ev, r->read[SMTP_CLIENT]);
	r->starttls |= ev->tile == SMTP_COMMAND &&
	    (ev->verb == SMTP_STARTTLS || ev->verb == SMTP_XANONTLS);
	if (ev->anomalies & SMTP_ODD(EOD_NONSTANDARD))
		r->script->unservable = "its server took something other than "
		    "CRLF.CRLF for the end of data";
}

static void
take_server(struct reading *r, const struct smtp_event *ev)
{
	if (r->reply.p == NULL)
		r->reply = (struct span){ ev->raw.p, 0 };
	r->reply.n += ev->raw.n;
	if (ev->tile == SMTP_REPLY && (ev->last || ev->code == 0))
		add_reply(r, ev);
	if (ev->anomalies & SMTP_ODD(BDAT_REFRAMED))
		r->script->unservable = "its server refused a chunk before it "
		    "had come";
	if (ev->fact == SMTP_FACT_TLS_BEGINS && !r->secures)
		r->failed = "it goes on under TLS, which was not looked into";
	if (ev->fact == SMTP_FACT_ROLES_REVERSED)
		r->failed = "client and server change places in it";
}

/* Cut one unit off what has come from a side. */
static bool
read_one(struct reading *r, enum smtp_side side)
{
	const struct text *t = side == SMTP_CLIENT ? &r->script->client :
	    &r->script->server;
	struct span in = span_from(text_all(t), r->read[side]);
	struct smtp_event ev;

	if (smtp_next(&r->smtp, side, &in, &ev) != SMTP_EVENT)
		return false;
	if (side == SMTP_CLIENT)
		take_client(r, &ev);
	else
		take_server(r, &ev);
	r->read[side] += ev.raw.n;
	return true;
}

static void
read_all(struct reading *r, enum smtp_side first)
{
	enum smtp_side other = first == SMTP_CLIENT ? SMTP_SERVER : SMTP_CLIENT;

	while (!r->failed && (read_one(r, first) || read_one(r, other)))
		continue;
}

static void
add_step(struct reading *r, const struct store_segment *segment)
{
	struct script *s = r->script;
	void *grown;

	text_span(&s->client, segment->bytes);
	if (s->nsteps && s->steps[s->nsteps - 1].t_us == segment->t_us) {
		s->steps[s->nsteps - 1].to = s->client.n;
		return;
	}
	grown = one_more(r, s->steps, s->nsteps, sizeof *s->steps);
	if (grown == NULL)
		return;
	s->steps = grown;
	s->steps[s->nsteps++] = (struct script_step){
		.to = s->client.n, .replies = s->nreplies,
		.t_us = segment->t_us,
	};
}

static void
end_side(struct reading *r, enum smtp_side side)
{
	if (side == SMTP_CLIENT)
		r->client_closed = true;
	else if (!r->client_closed)
		r->script->server_closed = true;
	smtp_end(&r->smtp, side);
}

/* The client came to TLS: the session starts over (RFC 3207 4.2). */
static void
secure(struct reading *r)
{
	struct script *s = r->script;

	r->secures = false;
	/* the greeting may have come to smtptap before the client was ready */
	if (!r->starttls) {
		s->tls = SCRIPT_TLS;
		return;
	}
	s->tls = SCRIPT_STARTTLS;
	s->secured.tiles = s->ntiles;
	s->secured.steps = s->nsteps;
	s->secured.replies = s->nreplies;
	for (size_t i = 0; i < s->ntiles; i++)
		s->secured.units += s->tiles[i].unit;
	r->answered = s->secured.units;
	/* what it said behind STARTTLS, and nobody has understood */
	r->read[SMTP_CLIENT] = s->client.n;
	smtp_tls_started(&r->smtp);
}

static void
read_segment(struct reading *r, const struct store_segment *segment)
{
	r->t_us = segment->t_us;
	switch (segment->kind) {
	case WIRE_BYTES:
	case WIRE_REDACTED:
		if (segment->side == SMTP_CLIENT)
			add_step(r, segment);
		else
			text_span(&r->script->server, segment->bytes);
		break;
	case WIRE_WITHHELD:
	case WIRE_WITHHELD_REDACTED:
		if (segment->side == SMTP_CLIENT)
			add_step(r, segment);
		break;
	case WIRE_OWN:
	case WIRE_MADE:
		if (segment->side == SMTP_SERVER)
			text_span(&r->script->server, segment->bytes);
		break;
	case WIRE_GAP:
		r->failed = "bytes of it were not recorded";
		break;
	case WIRE_FIN:
	case WIRE_RESET:
		end_side(r, segment->side);
		break;
	case WIRE_SECURED:
		if (segment->side == SMTP_CLIENT)
			secure(r);
		break;
	case WIRE_KINDS:
		break;
	}
	read_all(r, segment->side);
}

/* The streams get all their memory now: spans into them stay good. */
static bool
reserve(struct script *s, const struct store_wire *wire)
{
	size_t n[2] = { 0, 0 };

	for (size_t i = 0; i < wire->n; i++)
		n[wire->segments[i].side] += wire->segments[i].bytes.n;
	if (text_grow(&s->client, n[SMTP_CLIENT] + 1) == NULL ||
	    text_grow(&s->server, n[SMTP_SERVER] + 1) == NULL)
		return false;
	text_clear(&s->client);
	text_clear(&s->server);
	return true;
}

bool
script_read(struct script *s, const struct store_wire *wire,
    char error[RECORD_ERROR_MAX])
{
	struct reading r = { .script = s };

	*s = (struct script){ 0 };
	smtp_start(&r.smtp);
	if (!reserve(s, wire))
		r.failed = "there is no memory for it";
	for (size_t i = 0; i < wire->n; i++)
		r.secures |= wire->segments[i].kind == WIRE_SECURED &&
		    wire->segments[i].side == SMTP_CLIENT;
	for (size_t i = 0; i < wire->n && !r.failed; i++)
		read_segment(&r, &wire->segments[i]);
	smtp_end(&r.smtp, SMTP_CLIENT);
	smtp_end(&r.smtp, SMTP_SERVER);
	/* A side that has been read to its end lets the other go on. */
	for (int i = 0; i < 3; i++)
		read_all(&r, SMTP_CLIENT);
	if (r.failed)
		snprintf(error, RECORD_ERROR_MAX,
		    "this session cannot be played: %s", r.failed);
	return r.failed == NULL;
}

void
script_free(struct script *s)
{
	text_free(&s->client);
	text_free(&s->server);
	text_free(&s->edits);
	free(s->tiles);
	free(s->steps);
	free(s->replies);
	*s = (struct script){ 0 };
}
