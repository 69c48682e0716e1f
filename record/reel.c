#include "record/reel.h"

#include "record/secret.h"

void
reel_free(struct reel *r)
{
	segments_free(&r->unread[SMTP_CLIENT]);
	segments_free(&r->unread[SMTP_SERVER]);
}

void
reel_new_log(struct reel *r)
{
	r->last_us = 0;
}

void
reel_come(struct reel *r, enum smtp_side side, size_t n, int64_t t_us)
{
	segments_put(&r->unread[side], t_us, n);
}

static void
put(struct reel *r, struct text *log, const struct wire_frame *f)
{
	if (log) {
		wire_put(log, f, &r->last_us);
		return;
	}
	if (r->gap[f->side] == 0)
		r->gap_us[f->side] = f->t_us;
	r->gap[f->side] += f->octets;
}

void
reel_settle(struct reel *r, struct text *log)
{
	struct wire_frame f = { .kind = WIRE_BYTES, .side = r->run.side,
	    .t_us = r->run.t_us, .octets = r->run.bytes.n,
	    .bytes = r->run.bytes };

	if (r->run.bytes.n)
		put(r, log, &f);
	r->run.bytes.n = 0;
}

void
reel_frame(struct reel *r, struct text *log, const struct wire_frame *f)
{
	reel_settle(r, log);
	put(r, log, f);
}

/* Keep bytes of one segment: later ones that follow in memory join them. */
static void
join(struct reel *r, struct text *log, enum smtp_side side, int64_t t_us,
    struct span bytes)
{
	struct run *run = &r->run;

	if (run->bytes.n && run->side == side && run->t_us == t_us &&
	    run->bytes.p + run->bytes.n == bytes.p) {
		run->bytes.n += bytes.n;
		return;
	}
	reel_settle(r, log);
	*run = (struct run){ bytes, side, t_us };
}

/* Keep bytes, cut where segments ended; stand_in, if it has an address, is kept
 * in their place, with the first piece. */
static int64_t
keep(struct reel *r, struct text *log, enum smtp_side side, struct span bytes,
    struct span stand_in, int64_t t_us)
{
	while (bytes.n) {
		size_t n = segments_take(&r->unread[side], bytes.n, &t_us);
		struct span piece = span_cut(&bytes, n);
		struct wire_frame f = { .kind = WIRE_REDACTED, .side = side,
		    .t_us = t_us, .octets = n, .bytes = stand_in };

		if (stand_in.p == NULL) {
			join(r, log, side, t_us, piece);
			continue;
		}
		reel_frame(r, log, &f);
		stand_in.n = 0;
	}
	return t_us;
}

int64_t
reel_keep(struct reel *r, struct text *log, enum smtp_side side,
    struct span bytes, struct span secret, int64_t t_us)
{
	struct span as_it_is = { NULL, 0 };

	if (secret.n == 0)
		return keep(r, log, side, bytes, as_it_is, t_us);
	t_us = keep(r, log, side, span_cut(&bytes,
	    (size_t)(secret.p - bytes.p)), as_it_is, t_us);
	t_us = keep(r, log, side, span_cut(&bytes, secret.n),
	    SPAN(SECRET_STAND_IN), t_us);
	return keep(r, log, side, bytes, as_it_is, t_us);
}

bool
reel_gap(struct reel *r, enum smtp_side side, struct wire_frame *f)
{
	if (r->gap[side] == 0)
		return false;
	*f = (struct wire_frame){ .kind = WIRE_GAP, .side = side,
	    .t_us = r->gap_us[side], .octets = r->gap[side] };
	r->gap[side] = 0;
	return true;
}
