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
	if (!wire_is_stream(f->kind)) {
		r->lost = true;
		return;
	}
	if (r->gap[f->side] == 0)
		r->gap_us[f->side] = f->t_us;
	r->gap[f->side] += f->octets;
}

void
reel_settle(struct reel *r, struct text *log)
{
	struct wire_frame f = {
		.kind = r->run.withheld ? WIRE_WITHHELD : WIRE_BYTES,
		.side = r->run.side, .t_us = r->run.t_us,
		.octets = r->run.bytes.n, .bytes = r->run.bytes };

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
join(struct reel *r, struct text *log, const struct run *more)
{
	struct run *run = &r->run;

	if (run->bytes.n && run->side == more->side &&
	    run->t_us == more->t_us && run->withheld == more->withheld &&
	    run->bytes.p + run->bytes.n == more->bytes.p) {
		run->bytes.n += more->bytes.n;
		return;
	}
	reel_settle(r, log);
	*run = *more;
}

/* Keep bytes, cut where segments ended; stand_in, if it has an address, is kept
 * in their place, with the first piece. */
static void
keep(struct reel *r, struct text *log, struct run *all, struct span stand_in)
{
	while (all->bytes.n) {
		size_t n = segments_take(&r->unread[all->side], all->bytes.n,
		    &all->t_us);
		struct run piece = *all;
		struct wire_frame f = {
			.kind = all->withheld ? WIRE_WITHHELD_REDACTED :
			    WIRE_REDACTED,
			.side = all->side, .t_us = all->t_us, .octets = n,
			.bytes = stand_in };

		piece.bytes = span_cut(&all->bytes, n);
		if (stand_in.p == NULL) {
			join(r, log, &piece);
			continue;
		}
		reel_frame(r, log, &f);
		stand_in.n = 0;
	}
}

/* Octets of bytes in front of p, which may lie outside them. */
static size_t
before(struct span bytes, const char *p)
{
	if (p <= bytes.p)
		return 0;
	return p < bytes.p + bytes.n ? (size_t)(p - bytes.p) : bytes.n;
}

int64_t
reel_when(const struct reel *r, enum smtp_side side, size_t behind,
    int64_t t_us)
{
	return segments_when(&r->unread[side], behind, t_us);
}

int64_t
reel_keep(struct reel *r, struct text *log, enum smtp_side side,
    struct span bytes, struct span secret, bool withheld, int64_t t_us)
{
	struct run all = { bytes, side, withheld, t_us };
	struct span as_it_is = { NULL, 0 }, stand_in = SPAN(SECRET_STAND_IN);
	size_t begin, end;

	if (secret.n) {
		begin = before(bytes, secret.p);
		end = before(bytes, secret.p + secret.n);
		if (secret.p < bytes.p)		/* a piece before has it */
			stand_in.n = 0;
		all.bytes.n = begin;
		keep(r, log, &all, as_it_is);
		all.bytes = (struct span){ bytes.p + begin, end - begin };
		keep(r, log, &all, stand_in);
		all.bytes = span_from(bytes, end);
	}
	keep(r, log, &all, as_it_is);
	return all.t_us;
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
