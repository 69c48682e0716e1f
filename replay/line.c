#include "replay/line.h"

#include <stdlib.h>

#include "replay/print.h"

static bool
ends_in_lf(const struct text *t)
{
	return t->n && t->p[t->n - 1] == '\n';
}

bool
line_whole(const struct line *l)
{
	return ends_in_lf(l->said.n ? &l->said : &l->sent);
}

bool
line_empty(const struct line *l)
{
	return !l->said.n && !l->sent.n;
}

bool
line_changed(const struct line *l)
{
	return l->said.n != l->sent.n || (l->said.n &&
	    memcmp(l->said.p, l->sent.p, l->said.n) != 0);
}

bool
line_add(struct line *l, struct track_piece *piece)
{
	bool made = piece->fate == TRACK_MADE;
	size_t n = span_line(piece->bytes);
	struct span bytes;

	if (line_whole(l) && !(made && l->withheld))
		return true;
	bytes = span_cut(&piece->bytes, n ? n : piece->bytes.n);
	if (!made)
		text_span(&l->said, bytes);
	if (piece->fate != TRACK_WITHHELD)
		text_span(&l->sent, bytes);
	if (l->said.failed || l->sent.failed)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	l->withheld |= piece->fate == TRACK_WITHHELD;
	return false;
}

void
line_clear(struct line *l)
{
	text_clear(&l->said);
	text_clear(&l->sent);
	l->withheld = false;
}

void
line_free(struct line *l)
{
	text_free(&l->said);
	text_free(&l->sent);
}
