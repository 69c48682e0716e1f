/* gate_step: a decision, step by step (gate.h). */
#include "inspect/gating.h"

enum gate_fate
gate_fate(const struct gate *g)
{
	if (g->form == GATE_WHOLE)
		return g->withholds ? GATE_WITHHELD : GATE_FORWARDED;
	return GATE_EDITED;
}

/* The front of what is left to deal with. */
static bool
step_of(struct gate *g, struct gate_step *step, enum gate_move move, size_t n)
{
	*step = (struct gate_step){ .move = move, .rule = g->why,
	    .bytes = span_cut(&g->rest, n) };
	return true;
}

static bool
make_step(struct gate *g, struct gate_step *step, struct span bytes)
{
	*step = (struct gate_step){ .move = GATE_MAKE, .rule = g->why,
	    .bytes = bytes };
	return true;
}

/* What stays before the next edit, what it takes out, what it puts in. */
static bool
next_of_line(struct gate *g, struct gate_step *step)
{
	const struct gate_edit *e = &g->edits[g->edit];
	size_t before;

	if (g->edit == g->n_edits) {
		g->form = GATE_NOTHING;
		return g->rest.n && step_of(g, step, GATE_PASS, g->rest.n);
	}
	before = g->rest.n && e->out.p > g->rest.p ?
	    (size_t)(e->out.p - g->rest.p) : 0;
	if (before)
		return step_of(g, step, GATE_PASS, before);
	if (e->out.n && !g->pending.n) {
		g->pending = e->out;
		return step_of(g, step, GATE_WITHHOLD, e->out.n);
	}
	g->pending.n = 0;
	g->edit++;
	return e->in.n ? make_step(g, step, e->in) : next_of_line(g, step);
}

static bool
next_of_content(struct gate *g, struct gate_step *step)
{
	enum newline_what what;
	size_t n;

	if (g->pending.n) {
		struct span bytes = g->pending;

		g->pending.n = 0;
		return make_step(g, step, bytes);
	}
	if (g->rest.n == 0) {
		g->form = GATE_NOTHING;
		return false;
	}
	n = newline_next(g->raw, g->rest, g->newline_at, &what);
	if (n)
		return step_of(g, step, GATE_PASS, n);
	g->pending = what == NEWLINE_STUFF ? SPAN(".") : SPAN(" ");
	return step_of(g, step, what == NEWLINE_STUFF ? GATE_PASS :
	    GATE_WITHHOLD, 1);
}

static bool
next_of_event(struct gate *g, struct gate_step *step)
{
	switch (g->form) {
	case GATE_NOTHING:
		return false;
	case GATE_WHOLE:
		g->form = GATE_NOTHING;
		return g->rest.n && step_of(g, step, g->withholds ?
		    GATE_WITHHOLD : GATE_PASS, g->rest.n);
	case GATE_LINE:
		return next_of_line(g, step);
	case GATE_CONTENT:
		return next_of_content(g, step);
	}
	return false;
}

static bool
next_own(struct gate *g, struct gate_step *step)
{
	const struct gate_own *o = &g->own[g->first_own];

	if (g->n_own == 0 || o->behind)
		return false;
	*step = (struct gate_step){ .move = GATE_REPLY, .bytes = o->reply,
	    .rule = o->rule };
	g->why = o->rule;
	if (o->close) {
		g->end = GATE_CLOSES;
		g->over = true;
		g->n_own = 0;
	} else {
		if (o->secures)
			g->end = GATE_SECURES_CLIENT;
		g->first_own = (g->first_own + 1) % GATE_OWN_MAX;
		g->n_own--;
	}
	return true;
}

static bool
next_end(struct gate *g, struct gate_step *step)
{
	static const enum gate_move moves[] = { [GATE_LEAVES] = GATE_LEAVE,
	    [GATE_REJOINS] = GATE_REJOIN,
	    [GATE_SECURES_SERVER] = GATE_SECURE_SERVER,
	    [GATE_SECURES_CLIENT] = GATE_SECURE_CLIENT,
	    [GATE_CLOSES] = GATE_CLOSE, [GATE_RESETS] = GATE_RESET };

	if (g->end == GATE_GOES_ON)
		return false;
	*step = (struct gate_step){ .move = moves[g->end], .rule = g->why };
	g->end = GATE_GOES_ON;
	return true;
}

/* A command of ours. */
static bool
next_ask(struct gate *g, struct gate_step *step)
{
	if (g->asks.n == 0)
		return false;
	*step = (struct gate_step){ .move = GATE_ASK, .bytes = g->asks,
	    .rule = "tls" };
	g->asks.n = 0;
	return true;
}

bool
gate_next(struct gate *g, struct gate_step *step)
{
	if (g->tell < g->n_tells) {
		*step = g->tells[g->tell++];
		return true;
	}
	return next_of_event(g, step) || next_ask(g, step) ||
	    next_end(g, step) ||
	    next_own(g, step);
}
