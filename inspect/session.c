#include "inspect/smtp.h"

#include "inspect/engine.h"

static const char *const tile_names[SMTP_TILES] = {
	[SMTP_COMMAND] = "command",
	[SMTP_CREDENTIAL] = "credential",
	[SMTP_CONTENT] = "content",
	[SMTP_END_OF_DATA] = "end-of-data",
	[SMTP_REPLY] = "reply",
	[SMTP_OPAQUE] = "opaque",
};

static const char *const fact_names[SMTP_FACTS] = {
#define FACT(symbol, name) [SMTP_FACT_##symbol] = name,
#include "inspect/facts.def"
#undef FACT
};

static const struct smtp_anomaly_row anomaly_rows[SMTP_ANOMALIES] = {
#define ANOMALY(symbol, name, severity, section, meaning) \
	[SMTP_ODD_##symbol] = { name, #severity, section, meaning },
#include "inspect/anomalies.def"
#undef ANOMALY
};

_Static_assert(SMTP_ANOMALIES <= 64, "anomalies are bits of a uint64_t");
_Static_assert(SMTP_VERBS <= 256, "pending holds verbs as octets");

void
engine_push(struct smtp_session *s, enum smtp_verb verb)
{
	if (s->in_flight == SMTP_PENDING_MAX)
		s->in_flight--;
	s->pending[(s->oldest + s->in_flight++) % SMTP_PENDING_MAX] =
	    (unsigned char)verb;
}

enum smtp_verb
engine_oldest(const struct smtp_session *s)
{
	return s->in_flight ? (enum smtp_verb)s->pending[s->oldest] : SMTP_NONE;
}

enum smtp_verb
engine_youngest(const struct smtp_session *s)
{
	return s->in_flight ? (enum smtp_verb)s->pending[
	    (s->oldest + s->in_flight - 1) % SMTP_PENDING_MAX] : SMTP_NONE;
}

void
engine_pop(struct smtp_session *s)
{
	if (s->in_flight == 0)
		return;
	s->oldest = (s->oldest + 1) % SMTP_PENDING_MAX;
	s->in_flight--;
}

void
engine_tx_over(struct smtp_session *s)
{
	s->in_tx = false;
	s->rcpts = 0;
	s->rcpt_reply = 0;
}

static enum smtp_step
cut(struct span *in, size_t n, struct smtp_event *ev)
{
	ev->raw = span_cut(in, n);
	return SMTP_EVENT;
}

static enum smtp_step
cut_opaque(struct span *in, size_t n, struct smtp_event *ev)
{
	ev->tile = SMTP_OPAQUE;
	return cut(in, n, ev);
}

/* The other side is gone for good, and nothing of it is left to read. */
static bool
alone(const struct smtp_session *s, enum smtp_side side)
{
	return s->drained[side == SMTP_CLIENT ? SMTP_SERVER : SMTP_CLIENT];
}

/* Bytes of the client that never became a unit: they may be a credential. */
static bool
may_be_secret(const struct smtp_session *s, struct span in)
{
	enum smtp_verb verb = s->phase == PHASE_HELD ? engine_youngest(s) :
	    engine_lookup(&in);

	return s->phase == PHASE_CREDENTIAL || s->suspect ||
	    engine_verbs[verb].secret;
}

static enum smtp_step
cut_short(const struct smtp_session *s, struct span *in, struct smtp_event *ev)
{
	if (ev->side == SMTP_CLIENT && may_be_secret(s, *in))
		ev->secret = *in;
	ev->anomalies |= SMTP_ODD(CUT_SHORT);
	return cut_opaque(in, in->n, ev);
}

static enum smtp_step
wait(struct smtp_session *s, struct span *in, struct smtp_event *ev)
{
	if (alone(s, SMTP_CLIENT))
		return cut_short(s, in, ev);
	s->early = true;
	return SMTP_WAIT;
}

/* The line at the front of *in, 0 if it is not whole. A line that is too long
 * to hold counts as whole at SMTP_LINE_MAX octets; *overlong tells. */
static size_t
whole_line(const struct span *in, bool *overlong)
{
	size_t n = in->n < SMTP_LINE_MAX ? in->n : SMTP_LINE_MAX;
	size_t line = span_line((struct span){ in->p, n });

	*overlong = line == 0 && n == SMTP_LINE_MAX;
	return *overlong ? n : line;
}

/* No line end will come any more, or the line goes on later. */
static enum smtp_step
unfinished(const struct smtp_session *s, enum smtp_side side, struct span *in,
    struct smtp_event *ev)
{
	return s->ended[side] ? cut_short(s, in, ev) : SMTP_MORE;
}

/* The rest of a line of which the front was too long. */
static enum smtp_step
skip_line(struct smtp_session *s, enum smtp_side side, struct span *in,
    struct smtp_event *ev)
{
	size_t n = span_line(*in);

	if (n)
		s->skipping[side] = false;
	(void)cut_opaque(in, n ? n : in->n, ev);
	if (side == SMTP_CLIENT && s->skip_secret)
		ev->secret = ev->raw;
	return SMTP_EVENT;
}

static void
begin_skipping(struct smtp_session *s, struct smtp_event *ev)
{
	ev->anomalies |= SMTP_ODD(COMMAND_OVERLONG);
	s->skipping[SMTP_CLIENT] = true;
	s->skip_secret = ev->secret.n != 0;
}

static enum smtp_step
command_next(struct smtp_session *s, struct span *in, struct smtp_event *ev)
{
	bool overlong;
	size_t n;

	if (s->server_first && !alone(s, SMTP_CLIENT))
		return SMTP_WAIT;
	n = whole_line(in, &overlong);
	if (n == 0)
		return unfinished(s, SMTP_CLIENT, in, ev);
	if (s->in_flight == SMTP_PENDING_MAX && !alone(s, SMTP_CLIENT)) {
		s->excess = true;
		return SMTP_WAIT;
	}
	engine_command(s, ev, (struct span){ in->p, n });
	if (overlong)
		begin_skipping(s, ev);
	return cut(in, n, ev);
}

static enum smtp_step
credential_next(struct smtp_session *s, struct span *in, struct smtp_event *ev)
{
	bool overlong;
	size_t n = whole_line(in, &overlong);

	if (n == 0)
		return unfinished(s, SMTP_CLIENT, in, ev);
	engine_credential(ev, (struct span){ in->p, n });
	if (overlong)
		begin_skipping(s, ev);
	engine_push(s, SMTP_AUTH);
	s->phase = PHASE_HELD;
	return cut(in, n, ev);
}

static enum smtp_step
client_next(struct smtp_session *s, struct span *in, struct smtp_event *ev)
{
	switch ((enum engine_phase)s->phase) {
	case PHASE_COMMAND:
		return command_next(s, in, ev);
	case PHASE_HELD:
		return wait(s, in, ev);
	case PHASE_CREDENTIAL:
		return credential_next(s, in, ev);
	case PHASE_CONTENT:
		return engine_content(s, in, ev);
	case PHASE_CHUNK:
	case PHASE_RAW:
		return engine_counted(s, in, ev);
	}
	return cut_opaque(in, in->n, ev);
}

static enum smtp_step
server_next(struct smtp_session *s, struct span *in, struct smtp_event *ev)
{
	bool overlong;
	size_t n = whole_line(in, &overlong);

	if (s->client_first && !alone(s, SMTP_SERVER))
		return SMTP_WAIT;
	if (n == 0)
		return unfinished(s, SMTP_SERVER, in, ev);
	if (!engine_reply(s, ev, (struct span){ in->p, n },
	    span_from(*in, n)))
		return SMTP_WAIT;
	if (overlong) {
		ev->anomalies |= SMTP_ODD(REPLY_OVERLONG);
		s->skipping[SMTP_SERVER] = true;
	}
	return cut(in, n, ev);
}

/* In TLS the client speaks first: what a server says before is no TLS. */
static void
read_opaque(struct smtp_session *s, struct smtp_event *ev)
{
	if (ev->side == SMTP_SERVER && s->tls_due)
		ev->anomalies |= SMTP_ODD(STARTTLS_INJECTION);
	if (ev->side == SMTP_CLIENT)
		s->tls_due = false;
	if (ev->side == SMTP_CLIENT && s->opaque_secret)
		ev->secret = ev->raw;
}

enum smtp_step
smtp_next(struct smtp_session *s, enum smtp_side side, struct span *in,
    struct smtp_event *ev)
{
	enum smtp_step step;

	*ev = (struct smtp_event){ .side = side };
	if (in->n == 0) {
		s->drained[side] = s->ended[side];
		step = SMTP_MORE;
	} else if (s->skipping[side]) {
		step = skip_line(s, side, in, ev);
	} else if (s->opaque) {
		step = cut_opaque(in, in->n, ev);
		read_opaque(s, ev);
	} else
		step = side == SMTP_CLIENT ? client_next(s, in, ev) :
		    server_next(s, in, ev);
	if (side == SMTP_CLIENT && step != SMTP_EVENT)
		s->client_first = false;
	if (side == SMTP_SERVER && step == SMTP_MORE && s->reply_kept)
		s->reply_kept = s->server_first = false;
	return step;
}

void
smtp_start(struct smtp_session *s)
{
	*s = (struct smtp_session){ .phase = PHASE_COMMAND };
	engine_push(s, SMTP_CONNECT);
}

void
smtp_end(struct smtp_session *s, enum smtp_side side)
{
	s->ended[side] = true;
}

void
smtp_give_up(struct smtp_session *s)
{
	s->opaque_secret = may_be_secret(s, (struct span){ "", 0 });
	s->opaque = true;
}

void
smtp_strict(struct smtp_session *s, bool strict)
{
	s->strict = strict;
}

enum smtp_verb
smtp_answering(const struct smtp_session *s)
{
	return s->reply_lines ? (enum smtp_verb)s->reply_verb :
	    engine_oldest(s);
}

unsigned
smtp_awaited(const struct smtp_session *s)
{
	return s->in_flight;
}

bool
smtp_doubts_content(const struct smtp_session *s)
{
	return s->phase == PHASE_CONTENT && s->hold != HOLD_NONE;
}

void
smtp_tls_started(struct smtp_session *s)
{
	*s = (struct smtp_session){ .phase = PHASE_COMMAND,
	    .strict = s->strict,
	    .ended = { s->ended[SMTP_CLIENT], s->ended[SMTP_SERVER] } };
}

bool
smtp_between_replies(const struct smtp_session *s)
{
	return !s->opaque && s->reply_code == 0 &&
	    !s->skipping[SMTP_SERVER];
}

const char *
smtp_verb_name(enum smtp_verb verb)
{
	return engine_verbs[verb].keyword;
}

const char *
smtp_tile_name(enum smtp_tile tile)
{
	return tile_names[tile];
}

const char *
smtp_fact_name(enum smtp_fact fact)
{
	return fact_names[fact];
}

const struct smtp_anomaly_row *
smtp_anomaly(enum smtp_anomaly odd)
{
	return &anomaly_rows[odd];
}
