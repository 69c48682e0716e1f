#include "replay/envelope.h"

/* "<a@b>" or "a@b" without brackets. */
static struct span
bare(const char *address)
{
	struct span s = span_of(address);

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = (struct span){ s.p + 1, s.n - 2 };
	return s;
}

/* Nothing that would end a path or a command line, or begin another. */
static bool
is_clean(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 0x7f || c == '<' || c == '>')
			return false;
	}
	return s.n <= ENVELOPE_ADDRESS_MAX;
}

const char *
envelope_check(const struct envelope *e)
{
	if (e->helo && (e->helo[0] == '\0' || !is_clean(span_of(e->helo))))
		return "--helo is not a host name or address literal";
	if (e->mail_from && !is_clean(bare(e->mail_from)))
		return "--mail-from is not an address";
	if (e->rcpt_to && (bare(e->rcpt_to).n == 0 ||
	    !is_clean(bare(e->rcpt_to))))
		return "--rcpt-to is not an address";
	return NULL;
}

/* What stands between two places of the same line. */
static struct span
between(const char *from, const char *to)
{
	return (struct span){ from, (size_t)(to - from) };
}

static void
edit_greeting(struct script *s, struct span raw, struct span text,
    const char *name)
{
	struct span line = span_chomp(raw);
	const char *end = line.p + line.n;

	text_span(&s->edits, between(raw.p, text.p));
	if (text.n == 0)
		text_str(&s->edits, " ");
	text_str(&s->edits, name);
	text_span(&s->edits, between(end, raw.p + raw.n));
}

/* xtext, RFC 3461 4: "+", "=" and what is not printable as +XX. */
static void
put_xtext(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < '!' || c > '~' || c == '+' || c == '=')
			text_printf(t, "+%02X", c);
		else
			text_put(t, s.p + i, 1);
	}
}

/* The parameters behind the path and the line end. */
static void
put_tail(struct script *s, struct span tail, struct span orcpt,
    struct span address)
{
	const char *end = tail.p + tail.n;

	if (orcpt.p == NULL) {
		text_span(&s->edits, tail);
		return;
	}
	text_span(&s->edits, between(tail.p, orcpt.p));
	text_str(&s->edits, "rfc822;");
	put_xtext(&s->edits, address);
	text_span(&s->edits, between(orcpt.p + orcpt.n, end));
}

/* MAIL FROM:<path> and RCPT TO:<path>, and what clients make of them. */
static void
edit_path(struct script *s, struct span raw, struct span text,
    struct span address, enum smtp_verb verb)
{
	const char *colon = memchr(text.p, ':', text.n);
	const char *from = colon ? colon + 1 : text.p;
	const char *end = text.p + text.n, *to;
	struct span path = smtp_path(text), orcpt = { NULL, 0 };

	while (from < end && (*from == ' ' || *from == '\t'))
		from++;
	to = path.p + path.n;
	if (from < to && *from == '<' && to < end && *to == '>')
		to++;
	if (verb == SMTP_RCPT)
		orcpt = smtp_parameter(text, "ORCPT");
	text_span(&s->edits, between(raw.p, from));
	if (text.n == 0)
		text_str(&s->edits, " ");
	if (colon == NULL)
		text_str(&s->edits, verb == SMTP_RCPT ? "TO:" : "FROM:");
	text_str(&s->edits, "<");
	text_span(&s->edits, address);
	text_str(&s->edits, ">");
	put_tail(s, between(to, raw.p + raw.n), orcpt, address);
}

static void
edit_tile(const struct envelope *e, struct script *s, struct script_tile *t)
{
	struct span raw = script_raw(s, t), text = script_text(s, t);
	size_t before = s->edits.n;

	if (text.n == 0)
		text = span_from(span_chomp(raw), span_chomp(raw).n);
	switch ((enum smtp_verb)t->verb) {
	case SMTP_EHLO:
	case SMTP_HELO:
	case SMTP_LHLO:
		if (e->helo)
			edit_greeting(s, raw, text, e->helo);
		break;
	case SMTP_MAIL:
		if (e->mail_from)
			edit_path(s, raw, text, bare(e->mail_from), SMTP_MAIL);
		break;
	case SMTP_RCPT:
		if (e->rcpt_to)
			edit_path(s, raw, text, bare(e->rcpt_to), SMTP_RCPT);
		break;
	default:
		break;
	}
	t->edit_at = before;
	t->edit_n = s->edits.n - before;
}

bool
envelope_apply(const struct envelope *e, struct script *s)
{
	for (size_t i = 0; i < s->ntiles; i++)
		if (s->tiles[i].tile == SMTP_COMMAND)
			edit_tile(e, s, &s->tiles[i]);
	return !s->edits.failed;
}
