#include "record/tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "record/account.h"
#include "record/reel.h"
#include "record/uuid.h"

struct tap_state {
	struct account account;
	struct reel reel;
	struct recorder_part *part;	/* under way; NULL: none */
	struct recorder_message **messages_end;
	int64_t last_us;		/* of the last segment: no two are alike */
	unsigned parts;			/* handed over */
	bool dropping;			/* the store fails and the part is full */
	struct text discard;		/* for what is not to be recorded */
	struct recorder_message *discarded;
};

static int64_t
since_start(const struct tap *t, int64_t now_ns)
{
	return (now_ns - t->start_ns) / 1000;
}

static struct recorder_part *
part(struct tap *t)
{
	struct tap_state *s = t->state;

	if (s->part == NULL && t->port) {
		s->part = recorder_part(t->port);
		if (s->part) {
			s->part->exchanges_before =
			    s->account.dialogue.written;
			s->part->events_before = s->account.notes.written;
			s->messages_end = &s->part->messages;
			reel_new_log(&s->reel);
		}
	}
	return s->part;
}

/* Where the account writes: the part, or nowhere. */
static struct ledger
ledger(struct tap *t)
{
	struct tap_state *s = t->state;
	struct recorder_part *p = s->dropping ? NULL : part(t);

	if (p)
		return (struct ledger){ &p->exchanges, &p->events,
		    s->messages_end };
	return (struct ledger){ &s->discard, &s->discard, &s->discarded };
}

static void
ledger_done(struct tap *t, const struct ledger *to)
{
	struct tap_state *s = t->state;
	struct recorder_message *next;

	if (to->exchanges != &s->discard) {
		s->messages_end = to->messages;
		return;
	}
	text_clear(&s->discard);
	for (; s->discarded; s->discarded = next) {
		next = s->discarded->next;
		free(s->discarded);
	}
}

/* The log under way; NULL: nothing can be kept now. */
static struct text *
log_of(struct tap *t)
{
	struct recorder_part *p = t->state->dropping ? NULL : part(t);

	return p ? &p->wire : NULL;
}

static void
write_frame(struct tap *t, const struct wire_frame *f)
{
	if (t->port)
		reel_frame(&t->state->reel, log_of(t), f);
}

/* Octets that were not recorded, as frames and as an event. */
static void
tell_gaps(struct tap *t)
{
	struct tap_state *s = t->state;
	struct ledger to = ledger(t);
	struct wire_frame f;
	char detail[64];

	for (int side = 0; side < 2; side++) {
		if (!t->port || !reel_gap(&s->reel, (enum smtp_side)side, &f))
			continue;
		t->facts.gap = true;
		(void)snprintf(detail, sizeof detail,
		    "%llu octets passed unrecorded",
		    (unsigned long long)f.octets);
		write_frame(t, &f);
		account_note(&s->account, f.t_us, (enum smtp_side)side,
		    "recording-gap", "warning", span_of(detail), &t->facts,
		    &to);
	}
	t->facts.gap |= s->reel.lost;
	ledger_done(t, &to);
}

static void
hand_over(struct tap *t, bool last)
{
	struct tap_state *s = t->state;
	struct recorder_part *p = part(t);

	if (p == NULL)
		return;
	p->n = s->parts++;
	p->last = last;
	p->row = true;
	p->session = t->facts;
	s->part = NULL;
	recorder_put(t->port, p);
}

static bool
part_full(const struct recorder_part *p)
{
	return p && (p->wire.n >= TAP_PART_MAX ||
	    p->exchanges.n >= TAP_PART_MAX || p->events.n >= TAP_PART_MAX);
}

/* The recorder has room: what was gathered goes, what was dropped is told. */
static void
go_on(struct tap *t)
{
	const uint64_t *gap = t->state->reel.gap;

	hand_over(t, false);
	t->state->dropping = false;
	if (gap[SMTP_CLIENT] || gap[SMTP_SERVER] || t->state->reel.lost)
		tell_gaps(t);
}

/* A full part goes, or waits, or what comes after it is dropped. */
static void
pass_on(struct tap *t)
{
	struct tap_state *s = t->state;

	if (!part_full(s->part) && !s->dropping)
		return;
	if (recorder_ready(t->port))
		go_on(t);
	else if (recorder_failing(t->port))
		s->dropping = true;
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

bool
tap_ready(struct tap *t)
{
	struct tap_state *s = t->state;

	if (t->port == NULL || s->dropping || !part_full(s->part))
		return true;
	return recorder_ready(t->port) || recorder_failing(t->port);
}

/* The session's clock: no two segments have the same time. */
static int64_t
tick(struct tap *t, int64_t now_ns)
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
		reel_come(&t->state->reel, side, n, tick(t, now_ns));
}

void
tap_event(struct tap *t, const struct smtp_event *ev, enum tap_fate fate)
{
	struct tap_state *s = t->state;
	struct ledger to;
	int64_t t_us;

	if (s == NULL)
		return;
	to = ledger(t);
	t_us = reel_keep(&s->reel, log_of(t), ev->side, ev->raw,
	    account_secret(&s->account, ev), fate == TAP_WITHHELD, s->last_us);
	account_event(&s->account, ev, t_us, &t->facts, &to);
	ledger_done(t, &to);
}

void
tap_passed(struct tap *t, struct span bytes)
{
	(void)t, (void)bytes;
}

void
tap_withheld(struct tap *t, struct span bytes)
{
	(void)t, (void)bytes;
}

void
tap_made(struct tap *t, struct span bytes)
{
	(void)t, (void)bytes;
}

void
tap_rule(struct tap *t, enum smtp_side side, const char *rule,
    const char *action, const char *severity, struct span detail, bool dry)
{
	(void)t, (void)side, (void)rule, (void)action, (void)severity;
	(void)detail, (void)dry;
}

void
tap_settle(struct tap *t)
{
	if (t->state == NULL || t->port == NULL)
		return;
	reel_settle(&t->state->reel, log_of(t));
	pass_on(t);
}

void
tap_gap(struct tap *t, enum smtp_side side, uint64_t n, int64_t now_ns)
{
	struct wire_frame f = { .kind = WIRE_GAP, .side = side, .octets = n };

	if (t->state == NULL)
		return;
	f.t_us = tick(t, now_ns);
	write_frame(t, &f);
	t->facts.gap = true;
	if (side == SMTP_CLIENT)
		account_gap(&t->state->account);
}

void
tap_own(struct tap *t, enum smtp_side as, struct span line, int64_t now_ns)
{
	struct wire_frame f = { .kind = WIRE_OWN, .side = as,
	    .octets = line.n, .bytes = line };
	struct ledger to;

	if (t->state == NULL)
		return;
	f.t_us = tick(t, now_ns);
	write_frame(t, &f);
	to = ledger(t);
	if (as == SMTP_SERVER)
		account_own(&t->state->account, line, f.t_us, &t->facts, &to);
	ledger_done(t, &to);
}

void
tap_closed(struct tap *t, enum smtp_side side, bool reset, int64_t now_ns)
{
	struct wire_frame f = { .kind = reset ? WIRE_RESET : WIRE_FIN,
	    .side = side };

	if (t->state == NULL)
		return;
	f.t_us = tick(t, now_ns);
	write_frame(t, &f);
}

bool
tap_dirty(const struct tap *t)
{
	return t->port && t->state && (t->state->part ||
	    t->state->parts == 0 || t->state->dropping);
}

bool
tap_flush(struct tap *t)
{
	if (!tap_dirty(t))
		return true;
	reel_settle(&t->state->reel, log_of(t));
	if (!recorder_ready(t->port)) {
		pass_on(t);
		return false;
	}
	go_on(t);
	return t->state->part == NULL;
}

/* For the log line, when the account is gone. */
static void
keep_last_transaction(struct tap *t)
{
	const struct account *a = &t->state->account;

	copy_name(t->mail_from, sizeof t->mail_from, a->mail_from);
	copy_name(t->queue_id, sizeof t->queue_id, a->queue_id);
	copy_name(t->enhanced, sizeof t->enhanced, a->enhanced);
	t->nrcpt = a->nrcpt;
	t->size = a->size;
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
	reel_settle(&t->state->reel, log_of(t));
	s->dropping = false;
	tell_gaps(t);
	to = ledger(t);
	account_end(&s->account, t->facts.duration_us, &t->facts, &to);
	ledger_done(t, &to);
	keep_last_transaction(t);
	if (t->port)
		hand_over(t, true);
	account_free(&s->account);
	reel_free(&s->reel);
	text_free(&s->discard);
	free(s);
	t->state = NULL;
}
