#include "record/dialogue.h"

#include <stdlib.h>

struct dialogue_entry {
	int64_t t_us;
	struct content *content;
	unsigned argument;	/* octets in arguments */
	unsigned char verb;
	bool withheld;
};

static struct dialogue_entry *
entry(const struct dialogue *d, unsigned i)
{
	return &d->ring[(d->oldest + i) % d->room];
}

void
dialogue_free(struct dialogue *d)
{
	for (unsigned i = 0; i < d->n; i++)
		content_free(entry(d, i)->content);
	free(d->ring);
	text_free(&d->arguments);
	text_free(&d->reply);
	*d = (struct dialogue){ 0 };
}

static bool
make_room(struct dialogue *d)
{
	unsigned room = d->room ? d->room * 2 : 8;
	struct dialogue_entry *ring;

	if (d->n < d->room)
		return true;
	ring = calloc(room, sizeof *ring);
	if (ring == NULL)
		return false;
	for (unsigned i = 0; i < d->n; i++)
		ring[i] = *entry(d, i);
	free(d->ring);
	d->ring = ring;
	d->room = room;
	d->oldest = 0;
	return true;
}

bool
dialogue_command(struct dialogue *d, int64_t t_us, enum smtp_verb verb,
    struct span argument, bool withheld)
{
	struct dialogue_entry *e;

	if (d->n > SMTP_PENDING_MAX || !make_room(d))
		return false;
	if (argument.n > DIALOGUE_TEXT_MAX)
		argument.n = DIALOGUE_TEXT_MAX;
	text_span(&d->arguments, argument);
	if (d->arguments.failed)
		return false;
	e = &d->ring[(d->oldest + d->n++) % d->room];
	*e = (struct dialogue_entry){ .t_us = t_us,
	    .argument = (unsigned)argument.n, .verb = (unsigned char)verb,
	    .withheld = withheld };
	return true;
}

void
dialogue_content(struct dialogue *d, struct content *content)
{
	struct dialogue_entry *e = d->n ? entry(d, d->n - 1) : NULL;

	if (e == NULL || e->content) {
		content_free(content);
		return;
	}
	e->content = content;
}

void
dialogue_reply(struct dialogue *d, struct span text)
{
	size_t room = DIALOGUE_TEXT_MAX - d->reply.n;

	if (room < 2)
		return;
	if (text.n > room - 1)
		text.n = room - 1;
	if (d->reply.n)
		text_put(&d->reply, "\n", 1);
	text_span(&d->reply, text);
}

bool
dialogue_oldest(const struct dialogue *d, struct dialogue_command *c)
{
	const struct dialogue_entry *e;

	if (d->n == 0)
		return false;
	e = entry(d, 0);
	*c = (struct dialogue_command){ .t_us = e->t_us,
	    .verb = (enum smtp_verb)e->verb, .withheld = e->withheld,
	    .content = e->content,
	    .argument = { d->arguments.p + d->arguments_from, e->argument } };
	return true;
}

bool
dialogue_answered(const struct dialogue *d, bool own,
    struct dialogue_command *c)
{
	return dialogue_oldest(d, c) && (own || !c->withheld);
}

/* The arguments of commands that are answered make room for new ones. */
static void
compact(struct dialogue *d)
{
	struct text *t = &d->arguments;

	if (d->n == 0) {
		text_clear(t);
		d->arguments_from = 0;
	} else if (d->arguments_from > DIALOGUE_TEXT_MAX) {
		memmove(t->p, t->p + d->arguments_from,
		    t->n - d->arguments_from);
		t->n -= d->arguments_from;
		d->arguments_from = 0;
	}
}

static void
forget_oldest(struct dialogue *d)
{
	struct dialogue_entry *e = entry(d, 0);

	content_free(e->content);
	d->arguments_from += e->argument;
	d->oldest = (d->oldest + 1) % d->room;
	d->n--;
	compact(d);
}

static void
put_optional(struct text *t, struct span s)
{
	if (s.p == NULL || s.n == 0)
		text_str(t, "null");
	else
		text_json(t, s);
}

/* The greeting was no command, nor is what no reply should have come to. */
static const char *
forwarded(const struct dialogue_command *c)
{
	if (c->verb == SMTP_CONNECT || c->verb == SMTP_NONE)
		return ",null,";
	return c->withheld ? ",0," : ",1,";
}

/* What no table names is called what the client called it. */
static struct span
verb_of(struct dialogue_command *c)
{
	struct span word;

	if (c->verb != SMTP_UNKNOWN)
		return span_of(smtp_verb_name(c->verb));
	word = span_word(&c->argument);
	c->argument = span_trim(c->argument);
	return word;
}

static void
put_command(struct dialogue *d, struct text *t, struct dialogue_command *c)
{
	d->written++;
	if (t->n)
		text_put(t, ",", 1);
	text_put(t, "[", 1);
	text_int(t, c->t_us);
	text_put(t, ",", 1);
	text_json(t, verb_of(c));
	text_put(t, ",", 1);
	put_optional(t, c->argument);
	text_str(t, forwarded(c));
}

void
dialogue_answer(struct dialogue *d, struct text *exchanges, int64_t t_us,
    int code, struct span enhanced, bool own)
{
	struct dialogue_command c;
	bool answers = dialogue_answered(d, own, &c);

	if (!answers)
		c = (struct dialogue_command){ .t_us = t_us,
		    .verb = SMTP_NONE };
	put_command(d, exchanges, &c);
	text_int(exchanges, code);
	text_put(exchanges, ",", 1);
	put_optional(exchanges, enhanced);
	text_put(exchanges, ",", 1);
	text_json(exchanges, text_all(&d->reply));
	text_put(exchanges, ",", 1);
	text_int(exchanges, t_us - c.t_us);
	text_str(exchanges, own ? ",\"smtptap\"]" : ",\"server\"]");
	text_clear(&d->reply);
	if (answers)
		forget_oldest(d);
}

void
dialogue_take_back(struct dialogue *d)
{
	text_clear(&d->reply);
	if (d->n)
		forget_oldest(d);
}

static void
leave_oldest(struct dialogue *d, struct text *exchanges)
{
	struct dialogue_command c;

	(void)dialogue_oldest(d, &c);
	put_command(d, exchanges, &c);
	text_str(exchanges, "null,null,null,null,null]");
	forget_oldest(d);
}

void
dialogue_pass_over(struct dialogue *d, struct text *exchanges)
{
	unsigned n = 0;

	if (d->n == 0 || !entry(d, 0)->withheld)
		return;
	while (n < d->n && entry(d, n)->withheld)
		n++;
	if (n == d->n)
		return;		/* out of memory: that command is missing */
	while (n--)
		leave_oldest(d, exchanges);
}

void
dialogue_end(struct dialogue *d, struct text *exchanges)
{
	while (d->n)
		leave_oldest(d, exchanges);
}
