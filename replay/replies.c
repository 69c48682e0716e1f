#include "replay/replies.h"

void
replies_init(struct replies *r)
{
	smtp_start(&r->smtp);
	r->lines = (struct text){ 0 };
	r->given = false;
	r->n = 0;
}

void
replies_fini(struct replies *r)
{
	text_free(&r->lines);
}

enum net_result
replies_read(struct replies *r, struct link *link, size_t *n)
{
	enum net_result result = link_read(link, r->in + r->n,
	    sizeof r->in - r->n, n);

	r->n += *n;
	return result;
}

bool
replies_forget(struct replies *r)
{
	bool any = r->n > 0;

	r->n = 0;
	smtp_start(&r->smtp);
	return any;
}

static void
keep(struct replies *r, struct span raw)
{
	size_t room = REPLIES_KEEP - r->lines.n;

	text_put(&r->lines, raw.p, raw.n < room ? raw.n : room);
}

bool
replies_next(struct replies *r, struct compare_reply *reply)
{
	struct span in = { r->in, r->n };
	struct smtp_event ev;
	bool whole = false;

	if (r->given)
		text_clear(&r->lines);
	r->given = false;
	while (!whole &&
	    smtp_next(&r->smtp, SMTP_SERVER, &in, &ev) == SMTP_EVENT) {
		keep(r, ev.raw);
		whole = ev.tile == SMTP_REPLY && (ev.last || ev.code == 0);
	}
	memmove(r->in, in.p, in.n);
	r->n = in.n;
	if (!whole)
		return false;
	r->given = true;
	*reply = (struct compare_reply){ SMTP_NONE, ev.code,
	    text_all(&r->lines) };
	return true;
}
