#include "inspect/scrub.h"

#include "inspect/hostname.h"
#include "inspect/phrase.h"

/* A stretch of the line: as it is but for names, or something else for it. */
struct piece {
	struct span out;
	bool kept;
	struct span in;		/* unless kept */
};

#define PIECES 3

/* The line under way. */
struct work {
	const struct scrub *s;
	const struct smtp_event *ev;
	struct span text;	/* behind the enhanced status code */
	struct span rest;	/* for all that one edit too many leaves */
	struct gate_edit *edits;
	unsigned n, most;
	bool full;
	char *made;
	size_t *n_made;
};

static bool
same(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* An edit that changes nothing is none; one too many makes the last one take all
 * that is left of the line. */
static void
edit(struct work *w, struct span out, struct span in)
{
	struct gate_edit *last = w->edits + w->most - 1;

	if (w->full || same(out, in))
		return;
	if (w->n < w->most) {
		w->edits[w->n++] = (struct gate_edit){ out, in };
		return;
	}
	last->out.n = (size_t)(w->text.p + w->text.n - last->out.p);
	last->in = w->rest;
	w->full = true;
}

/* Our address at `at` becomes the client's; a literal says which kind it is. */
static size_t
edit_address(struct work *w, struct span text, size_t at)
{
	static const struct span tag = { "IPv6:", 5 };
	struct span client = w->s->client_text, out;
	size_t n = w->s->our_text.n, room = GATE_MADE_MAX - *w->n_made;
	char *made = w->made + *w->n_made;

	if (hostname_in_literal(text, at, n, &out) &&
	    memchr(client.p, ':', client.n) && room >= tag.n + client.n) {
		memcpy(made, tag.p, tag.n);
		memcpy(made + tag.n, client.p, client.n);
		client = (struct span){ made, tag.n + client.n };
		*w->n_made += client.n;
	}
	edit(w, out, client);
	return at + n;
}

/* A host at `at` becomes the one we go by, which is a name: no literal. */
static size_t
edit_host(struct work *w, struct span text, size_t at, size_t n)
{
	struct span out;
	bool literal = hostname_in_literal(text, at, n, &out);

	if (literal)
		out = (struct span){ out.p - 1, out.n + 2 };
	edit(w, out, w->s->host);
	return at + n + literal;
}

/* Octets of the longest of the hosts at `at`; 0: none is there. */
static size_t
host_at(const struct scrub *s, struct span text, size_t at)
{
	size_t longest = 0;

	for (size_t i = 0; s->host.n && i < s->n_names; i++) {
		struct span name = { s->names[i].p, s->names[i].n };

		if (name.n > longest && hostname_stands(text, at, name))
			longest = name.n;
	}
	return longest;
}

static void
edit_names(struct work *w, struct span text)
{
	const struct scrub *s = w->s;
	bool swaps = s->our_text.n && s->client_text.n;
	size_t at = 0, n;

	while (s->hosts && at < text.n) {
		if (swaps && hostname_stands(text, at, s->our_text))
			at = edit_address(w, text, at);
		else if ((n = host_at(s, text, at)) != 0)
			at = edit_host(w, text, at, n);
		else
			at++;
	}
}

/* As many X; a line of GATE_MADE_MAX octets has no id of that length. */
static struct span
stand_in(struct work *w, size_t n)
{
	size_t room = GATE_MADE_MAX - *w->n_made;
	struct span made = { w->made + *w->n_made, n < room ? n : room };

	memset(w->made + *w->n_made, 'X', made.n);
	*w->n_made += made.n;
	return made;
}

/* Before, the part, behind. Where a part is kept the rest is not, and the other
 * way round. */
static unsigned
cut_around(struct piece piece[PIECES], struct span text, struct span part,
    bool kept)
{
	size_t before = (size_t)(part.p - text.p);

	piece[0] = (struct piece){ .out = span_cut(&text, before),
	    .kept = !kept };
	piece[1] = (struct piece){ .out = span_cut(&text, part.n),
	    .kept = kept };
	piece[2] = (struct piece){ .out = text, .kept = !kept };
	return 3;
}

static unsigned
cut_whole(struct piece piece[PIECES], struct span text)
{
	piece[0] = (struct piece){ .out = text, .kept = true };
	return 1;
}

/* A line that says nothing gets words where there is a place for them: behind
 * the separator, not behind a bare code or enhanced status code. */
static unsigned
cut_text(const struct work *w, struct piece piece[PIECES])
{
	const struct smtp_event *ev = w->ev;
	struct phrase p = phrase_find(ev->code, ev->verb, w->text,
	    !w->s->queue_ids);
	bool separated = ev->text.p > ev->raw.p + 3;

	if (p.keeps == PHRASE_NAMES ||
	    (w->text.n == 0 && (ev->text.n || !separated)))
		return cut_whole(piece, w->text);
	if (p.keeps == PHRASE_PART) {
		unsigned n = cut_around(piece, w->text, p.part, true);

		piece[0].in = p.words;
		return n;
	}
	piece[0] = (struct piece){ .out = w->text, .in = p.words };
	return 1;
}

static unsigned
cut_id(struct work *w, struct piece piece[PIECES])
{
	enum smtp_verb verb = w->ev->verb;
	bool end = verb == SMTP_END || verb == SMTP_BDAT_LAST ||
	    verb == SMTP_BURL_LAST;
	struct span id = { NULL, 0 };
	unsigned n;

	if (w->s->queue_ids && end && w->ev->code / 100 == 2)
		id = smtp_queue_id(w->text);
	if (id.n == 0)
		return cut_whole(piece, w->text);
	n = cut_around(piece, w->text, id, false);
	piece[1].in = stand_in(w, id.n);
	return n;
}

/* The first line of a reply to EHLO and its like (4.1.1.1): the server's name,
 * be it of whatever form, and what it likes to say to the client. */
static unsigned
cut_identity(const struct work *w, struct piece piece[PIECES])
{
	const struct scrub *s = w->s;
	struct span rest = w->text;
	size_t n = scrub_host(w->text).n;

	if (n == 0 && hostname_length(w->text) == w->text.n)
		n = w->text.n;
	if (n == 0) {
		piece[0] = (struct piece){ .out = w->text, .kept = !s->text,
		    .in = s->host.n ? s->host : w->rest };
		return 1;
	}
	piece[0] = (struct piece){ .out = span_cut(&rest, n),
	    .kept = !s->hosts || s->host.n == 0, .in = s->host };
	piece[1] = (struct piece){ .out = rest, .kept = !s->text };
	return 2;
}

/* The server's name, where the standard puts it in front (4.2). */
static unsigned
cut_front_name(const struct work *w, struct piece piece[PIECES], unsigned n)
{
	bool tells = w->ev->verb == SMTP_CONNECT || w->ev->code == 221 ||
	    w->ev->verb == SMTP_XCLIENT || w->ev->code == 421;
	struct span name = scrub_host(w->text);

	if (!tells || !w->s->hosts || w->s->host.n == 0 || name.n == 0 ||
	    n != 1 || !piece[0].kept)
		return n;
	piece[1] = (struct piece){ .out = span_from(piece[0].out, name.n),
	    .kept = true };
	piece[0] = (struct piece){ .out = name, .in = w->s->host };
	return 2;
}

static unsigned
cut(struct work *w, struct piece piece[PIECES])
{
	enum smtp_verb verb = w->ev->verb;
	bool identity = w->ev->code == 250 && (verb == SMTP_EHLO ||
	    verb == SMTP_LHLO || verb == SMTP_HELO);
	unsigned n;

	if (identity && w->ev->first)
		return cut_identity(w, piece);
	if (identity && verb != SMTP_HELO)
		return 0;	/* keywords */
	n = w->s->text ? cut_text(w, piece) : cut_id(w, piece);
	return cut_front_name(w, piece, n);
}

/* Without the enhanced status code and the blank behind it. */
static struct span
behind_status(const struct smtp_event *ev)
{
	size_t n = smtp_enhanced(ev->code, ev->text).n;

	return span_from(ev->text, n + (n && n < ev->text.n));
}

unsigned
scrub_line(const struct scrub *s, const struct smtp_event *ev,
    struct gate_edit *edits, unsigned most, char *made, size_t *n_made)
{
	static const struct span nothing = { NULL, 0 };
	struct phrase p = phrase_find(ev->code, ev->verb, nothing, false);
	struct work w = { .s = s, .ev = ev, .text = behind_status(ev),
	    .rest = p.words, .edits = edits, .most = most, .made = made,
	    .n_made = n_made };
	struct piece piece[PIECES];
	unsigned n;

	if (most == 0 || p.keeps == PHRASE_DATA)
		return 0;
	n = cut(&w, piece);
	for (unsigned i = 0; i < n; i++) {
		if (piece[i].kept)
			edit_names(&w, piece[i].out);
		else
			edit(&w, piece[i].out, piece[i].in);
	}
	return w.n;
}
