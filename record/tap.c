#include "record/tap.h"

#include <stdlib.h>

#include "record/tap_part.h"
#include "record/uuid.h"

static int64_t
since_start(const struct tap *t, int64_t now_ns)
{
	return (now_ns - t->start_ns) / 1000;
}

static void
copy_name(char *to, size_t room, const char *from)
{
	text_copy(to, room, span_of(from ? from : ""));
}

bool
tap_open(struct tap *t, struct recorder_port *port,
    const struct tap_origin *from)
{
	struct recorder_session *f = &t->facts;

	*t = (struct tap){ .port = port, .start_ns = from->now_ns };
	f->id = port ? recorder_next_id(port) : 0;
	f->start_us = from->wall_ns / 1000;
	f->duration_us = -1;
	if (from->uuid)
		memcpy(f->uuid, from->uuid, sizeof f->uuid);
	else
		uuid_make(f->uuid, from->wall_ns);
	copy_name(f->listener, sizeof f->listener, from->listener);
	copy_name(f->client, sizeof f->client, from->client);
	copy_name(f->original_dst, sizeof f->original_dst, from->original_dst);
	copy_name(f->upstream, sizeof f->upstream, from->upstream);
	t->state = calloc(1, sizeof *t->state);
	if (t->state == NULL) {
		t->port = NULL;
		return false;
	}
	t->state->last_us = -1;
	account_open(&t->state->account, port != NULL);
	return true;
}

void
tap_upstream(struct tap *t, const char *upstream)
{
	copy_name(t->facts.upstream, sizeof t->facts.upstream, upstream);
}

int64_t
tap_tick(struct tap *t, int64_t now_ns)
{
	int64_t t_us = since_start(t, now_ns);

	if (t_us <= t->state->last_us)
		t_us = t->state->last_us + 1;
	return t->state->last_us = t_us;
}

void
tap_received(struct tap *t, enum smtp_side side, size_t n, int64_t now_ns)
{
	if (side == SMTP_CLIENT)
		t->facts.bytes_in += n;
	else
		t->facts.bytes_out += n;
	if (t->state)
		reel_come(&t->state->reel, side, n, tap_tick(t, now_ns));
}

/* Octets of the last event. */
static void
keep(struct tap *t, struct span bytes, bool withheld)
{
	struct tap_state *s = t->state;
	struct piece *p = &s->piece;

	p->t_us = reel_keep(&s->reel, tap_log(t), p->side, bytes, p->secret,
	    withheld, p->t_us);
}

void
tap_event(struct tap *t, const struct smtp_event *ev, enum tap_fate fate)
{
	struct tap_state *s = t->state;
	struct ledger to;

	if (s == NULL)
		return;
	to = tap_ledger(t);
	s->piece = (struct piece){ ev->side, account_secret(&s->account, ev),
	    s->last_us };
	if (fate == TAP_EDITED) {
		s->piece.t_us = reel_when(&s->reel, ev->side, 0, s->last_us);
		s->event_us = reel_when(&s->reel, ev->side, ev->raw.n - 1,
		    s->last_us);
	} else {
		keep(t, ev->raw, fate != TAP_FORWARDED);
		s->event_us = s->piece.t_us;
	}
	account_event(&s->account, ev, fate, s->event_us, &t->facts, &to);
	tap_ledger_done(t, &to);
	if (ev->tile == SMTP_OPAQUE || ev->fact == SMTP_FACT_TLS_BEGINS)
		tap_look_at_tls(t, ev, fate);
}

void
tap_passed(struct tap *t, struct span bytes)
{
	if (t->state == NULL)
		return;
	keep(t, bytes, false);
	account_given(&t->state->account, bytes);
}

void
tap_withheld(struct tap *t, struct span bytes)
{
	if (t->state == NULL)
		return;
	keep(t, bytes, true);
	account_changed(&t->state->account, &t->facts);
}

void
tap_made(struct tap *t, struct span bytes)
{
	struct tap_state *s = t->state;
	struct wire_frame f = { .kind = WIRE_MADE, .octets = bytes.n,
	    .bytes = bytes };

	if (s == NULL)
		return;
	f.side = s->piece.side;
	f.t_us = s->piece.t_us;
	tap_frame(t, &f);
	account_given(&s->account, bytes);
	account_changed(&s->account, &t->facts);
}

static bool
overlap(struct span a, struct span b)
{
	return a.n && b.n && a.p < b.p + b.n && b.p < a.p + a.n;
}

void
tap_rule(struct tap *t, enum smtp_side side, const char *rule,
    const char *action, const char *severity, struct span detail, bool dry)
{
	struct note note = { .side = side, .severity = severity,
	    .detail = detail, .rule = rule };
	struct ledger to;

	if (t->state == NULL)
		return;
	if (overlap(detail, t->state->piece.secret))
		note.detail = SPAN(SECRET_STAND_IN);
	note.t_us = t->state->event_us;
	to = tap_ledger(t);
	account_rule(&t->state->account, &note, action, dry, &t->facts, &to);
	tap_ledger_done(t, &to);
}

void
tap_settle(struct tap *t)
{
	if (t->state == NULL || t->port == NULL)
		return;
	reel_settle(&t->state->reel, tap_log(t));
	tap_pass_on(t);
}

void
tap_gap(struct tap *t, enum smtp_side side, uint64_t n, int64_t now_ns)
{
	struct wire_frame f = { .kind = WIRE_GAP, .side = side, .octets = n };

	if (t->state == NULL)
		return;
	f.t_us = tap_tick(t, now_ns);
	tap_frame(t, &f);
	t->facts.gap = true;
	if (side == SMTP_CLIENT)
		account_gap(&t->state->account);
}

void
tap_own(struct tap *t, enum smtp_side as, struct span line, bool midway,
    int64_t now_ns)
{
	struct wire_frame f = { .kind = WIRE_OWN, .side = as,
	    .octets = line.n, .bytes = line };
	struct tap_state *s = t->state;
	struct ledger to;
	int64_t t_us;

	if (s == NULL)
		return;
	/* Midway it is no segment of its own, and needs no time of its own. */
	f.t_us = midway ? reel_when(&s->reel, as, 0, -1) : -1;
	t_us = f.t_us < 0 ? tap_tick(t, now_ns) : since_start(t, now_ns);
	if (f.t_us < 0)
		f.t_us = t_us;
	tap_frame(t, &f);
	to = tap_ledger(t);
	if (as == SMTP_SERVER)
		account_own(&s->account, line, t_us, &t->facts, &to);
	else
		account_said(&s->account, line, t_us);
	tap_ledger_done(t, &to);
}

void
tap_closed(struct tap *t, enum smtp_side side, bool reset, int64_t now_ns)
{
	struct wire_frame f = { .kind = reset ? WIRE_RESET : WIRE_FIN,
	    .side = side };

	if (t->state == NULL)
		return;
	f.t_us = tap_tick(t, now_ns);
	tap_frame(t, &f);
}

/* For the log line, when the account is gone. */
static void
keep_last_transaction(struct tap *t)
{
	const struct account *a = &t->state->account;
	const struct delivery *d = &a->delivery;

	copy_name(t->mail_from, sizeof t->mail_from, d->mail_from);
	copy_name(t->queue_id, sizeof t->queue_id, d->queue_id);
	copy_name(t->enhanced, sizeof t->enhanced, a->enhanced);
	t->nrcpt = d->nrcpt;
	t->size = d->size;
}

void
tap_close(struct tap *t, const char *ended_by, int64_t now_ns)
{
	struct tap_state *s = t->state;
	struct ledger to;

	t->facts.duration_us = since_start(t, now_ns);
	copy_name(t->facts.ended_by, sizeof t->facts.ended_by, ended_by);
	if (s == NULL)
		return;
	reel_settle(&t->state->reel, tap_log(t));
	s->dropping = false;
	tap_tell_gaps(t);
	to = tap_ledger(t);
	account_end(&s->account, t->facts.duration_us, &t->facts, &to);
	tap_ledger_done(t, &to);
	tap_end_tls(t);
	keep_last_transaction(t);
	if (t->port)
		tap_hand_over(t, true);
	account_free(&s->account);
	reel_free(&s->reel);
	text_free(&s->discard);
	free(s);
	t->state = NULL;
}
