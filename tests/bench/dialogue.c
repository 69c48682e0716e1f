#include "tests/bench/dialogue.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

/* A reply that a client waits for. */
enum place {
	AT_GREETING, AT_EHLO, AT_MAIL, AT_RCPT, AT_DATA, AT_CHUNK, AT_END,
	AT_QUIT, PLACES
};

static void
await(struct client *c, enum place place)
{
	if (c->place == c->places_n)
		c->place = c->places_n = 0;
	assert(c->places_n < sizeof(c->places));
	c->places[c->places_n++] = (unsigned char)place;
}

static bool
groups(const struct load *l, const struct client *c, enum grouping g)
{
	return c->pipelining && l->plan.grouping >= g;
}

/* The body begins: its first line may be written, for the body before has gone
 * out when the server answers DATA, or the last chunk. */
static void
say_head(struct load *l, struct client *c)
{
	memcpy(c->head, l->plan.body.octets, BODY_HEAD);
	body_id(c->head + BODY_ID_AT, c->id);
	c->offered = 0;
}

static void
say_body(struct load *l, struct client *c, size_t at, size_t n)
{
	if (at < BODY_HEAD) {
		size_t head = n < BODY_HEAD - at ? n : BODY_HEAD - at;

		outbox_borrow(&c->out, c->head + at, head);
		at += head;
		n -= head;
	}
	if (n)
		outbox_borrow(&c->out, l->plan.body.octets + at, n);
}

static void
say_chunk(struct load *l, struct client *c)
{
	size_t left = l->plan.body.size - c->offered;
	size_t n = l->plan.chunk && l->plan.chunk < left ? l->plan.chunk : left;

	outbox_printf(&c->out, "BDAT %zu%s\r\n", n, n == left ? " LAST" : "");
	say_body(l, c, c->offered, n);
	c->offered += n;
	await(c, n == left ? AT_END : AT_CHUNK);
}

static void
say_content(struct load *l, struct client *c)
{
	if (!l->plan.bdat) {
		outbox_printf(&c->out, "DATA\r\n");
		await(c, AT_DATA);
		return;
	}
	l->tally.chunked = true;
	say_head(l, c);
	do
		say_chunk(l, c);
	while (groups(l, c, WITHIN_MESSAGE) && c->offered < l->plan.body.size);
}

static void
say_rcpt(struct client *c)
{
	outbox_printf(&c->out, "RCPT TO:<id%010u@server.example>\r\n", c->id);
	await(c, AT_RCPT);
}

static void
say_quit(struct client *c)
{
	outbox_printf(&c->out, "QUIT\r\n");
	await(c, AT_QUIT);
}

static void
say_mail(struct load *l, struct client *c)
{
	c->id = l->tally.next_id++;
	c->started++;
	l->tally.begun_octets += l->plan.body.size;
	outbox_printf(&c->out, "MAIL FROM:<sender@client.example>");
	if (c->size)
		outbox_printf(&c->out, " SIZE=%zu", l->plan.body.size);
	outbox_printf(&c->out, "%s\r\n", c->eightbit ? " BODY=8BITMIME" : "");
	await(c, AT_MAIL);
}

static void
say_message(struct load *l, struct client *c)
{
	say_mail(l, c);
	if (!groups(l, c, WITHIN_MESSAGE))
		return;
	l->tally.pipelined = true;
	say_rcpt(c);
	say_content(l, c);
	if (l->plan.bdat && groups(l, c, ACROSS_MESSAGES) &&
	    c->started == l->plan.messages)
		say_quit(c);
}

static void
say_next(struct load *l, struct client *c)
{
	if (c->started < l->plan.messages &&
	    (c->started == 0 || !plan_spent(l)))
		say_message(l, c);
	else
		say_quit(c);
}

void
dialogue_quit(struct load *l, struct client *c)
{
	say_quit(c);
	client_flush(l, c);
}

/* what the replies lead to */

static void
after_greeting(struct load *l, struct client *c)
{
	(void)l;
	outbox_printf(&c->out, "EHLO client.example\r\n");
	await(c, AT_EHLO);
}

static void
after_ehlo(struct load *l, struct client *c)
{
	if (l->plan.bdat && !c->chunking) {
		client_fail(l, c, &l->tally.at_reply, "CHUNKING not offered");
	} else if (l->plan.idle) {
		c->waiting = true;
		l->tally.idle++;
	} else {
		say_next(l, c);
	}
}

static void
after_mail(struct load *l, struct client *c)
{
	if (!groups(l, c, WITHIN_MESSAGE))
		say_rcpt(c);
}

static void
after_rcpt(struct load *l, struct client *c)
{
	if (!groups(l, c, WITHIN_MESSAGE))
		say_content(l, c);
}

static void
after_data(struct load *l, struct client *c)
{
	say_head(l, c);
	say_body(l, c, 0, l->plan.body.size);
	outbox_printf(&c->out, ".\r\n");
	await(c, AT_END);
	if (groups(l, c, ACROSS_MESSAGES))
		say_next(l, c);
}

static void
after_chunk(struct load *l, struct client *c)
{
	if (!groups(l, c, WITHIN_MESSAGE))
		say_chunk(l, c);
}

static void
after_end(struct load *l, struct client *c)
{
	bool said = groups(l, c, ACROSS_MESSAGES) &&
	    (!l->plan.bdat || c->started == l->plan.messages);

	l->tally.messages++;
	l->tally.body_octets += l->plan.body.size;
	if (!said)
		say_next(l, c);
}

static const struct {
	char digit;		/* that the code must begin with */
	void (*then)(struct load *, struct client *);
} course[PLACES] = {
	[AT_GREETING]	= { '2', after_greeting },
	[AT_EHLO]	= { '2', after_ehlo },
	[AT_MAIL]	= { '2', after_mail },
	[AT_RCPT]	= { '2', after_rcpt },
	[AT_DATA]	= { '3', after_data },
	[AT_CHUNK]	= { '2', after_chunk },
	[AT_END]	= { '2', after_end },
	[AT_QUIT]	= { '2', client_finish },
};

static void
learn_keyword(struct client *c, const char *keyword)
{
	c->pipelining |= !strncasecmp(keyword, "PIPELINING", 10);
	c->chunking |= !strncasecmp(keyword, "CHUNKING", 8);
	c->size |= !strncasecmp(keyword, "SIZE", 4);
	c->eightbit |= !strncasecmp(keyword, "8BITMIME", 8);
}

void
dialogue_begin(struct client *c)
{
	await(c, AT_GREETING);
}

void
dialogue_reply(struct load *l, struct client *c)
{
	bool awaited = c->place < c->places_n;
	enum place place = awaited ? c->places[c->place] : AT_QUIT;
	size_t n = strlen(c->line);

	if (!awaited || n < 3 || c->line[0] != course[place].digit) {
		client_fail(l, c, &l->tally.at_reply, c->line);
		return;
	}
	if (place == AT_EHLO && n > 4)
		learn_keyword(c, c->line + 4);
	if (c->line[3] == '-')
		return;
	c->place++;
	course[place].then(l, c);
}
