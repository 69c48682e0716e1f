#include "tests/bench/server.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What server_take() works with, so that it need not be passed in pieces. */
struct take {
	struct server *s;
	const struct body *body;
	struct server_tally *tally;
	char *p;
	size_t n;
};

static void
reply(struct server *s, const char *text)
{
	size_t n = strlen(text);

	if (s->replies_n + n > s->replies_room) {
		s->replies_room = 2 * (s->replies_n + n);
		s->replies = realloc(s->replies, s->replies_room);
		if (!s->replies)
			abort();
	}
	memcpy(s->replies + s->replies_n, text, n);
	s->replies_n += n;
}

void
server_sent(struct server *s, size_t n)
{
	s->replies_n -= n;
	memmove(s->replies, s->replies + n, s->replies_n);
}

void
server_init(struct server *s)
{
	memset(s, 0, sizeof(*s));
	reply(s, "220 server.example ESMTP\r\n");
}

void
server_fini(struct server *s, struct server_tally *t)
{
	t->cut_short += s->phase != EXPECT_COMMAND || s->line_n > 0;
	free(s->replies);
}

/* mail content */

static void
begin_content(struct server *s)
{
	s->octets = 0;
	s->bad = false;
	memcpy(s->tail, "\r\n", 2);
}

static void
take_content(struct take *t, size_t n)
{
	struct server *s = t->s;

	t->tally->body_octets += n;
	if (t->body && !s->bad)
		s->bad = !body_matches(t->body, s->digits, s->octets, t->p, n);
	if (n == 1)
		s->tail[0] = s->tail[1];
	if (n > 0)
		s->tail[1] = t->p[n - 1];
	if (n > 1)
		s->tail[0] = t->p[n - 2];
	s->octets += n;
	t->p += n;
	t->n -= n;
}

static void
end_content(struct take *t)
{
	struct server *s = t->s;

	t->tally->messages++;
	if (s->identified)
		t->tally->id_sum += s->id;
	if (t->body)
		t->tally->bad += s->bad || !s->identified ||
		    s->octets != t->body->size;
	s->phase = EXPECT_COMMAND;
	s->identified = false;
	reply(s, "250 2.0.0 Ok: queued\r\n");
}

/* The dot at p[i] stands at the start of a line. */
static bool
starts_line(const struct take *t, size_t i)
{
	char cr = i >= 2 ? t->p[i - 2] : t->s->tail[i];
	char lf = i >= 1 ? t->p[i - 1] : t->s->tail[1];

	return cr == '\r' && lf == '\n';
}

/* Where the next dot that begins a line is; t->n if there is none. */
static size_t
find_dot(const struct take *t)
{
	size_t i = 0;
	const char *dot;

	while ((dot = memchr(t->p + i, '.', t->n - i))) {
		i = (size_t)(dot - t->p);
		if (starts_line(t, i))
			return i;
		i++;
	}
	return t->n;
}

static void
hold(struct take *t)
{
	memcpy(t->s->held, t->p, t->n);
	t->s->held_n = t->n;
	t->n = 0;
}

static void
take_data(struct take *t)
{
	while (t->n) {
		take_content(t, find_dot(t));
		if (t->n >= 3 && t->p[1] == '\r' && t->p[2] == '\n') {
			t->p += 3;
			t->n -= 3;
			end_content(t);
			return;
		}
		if (t->n == 1 || (t->n == 2 && t->p[1] == '\r'))
			hold(t);
		else if (t->n)
			take_content(t, 1);
	}
}

static void
take_chunk(struct take *t)
{
	struct server *s = t->s;
	size_t n = t->n < s->chunk_left ? t->n : (size_t)s->chunk_left;

	take_content(t, n);
	s->chunk_left -= n;
	if (s->chunk_left)
		return;
	if (s->last_chunk) {
		end_content(t);
	} else {
		s->phase = EXPECT_COMMAND;
		reply(s, "250 2.0.0 Ok: chunk\r\n");
	}
}

/* commands */

static void
on_ehlo(struct server *s, const char *argument)
{
	(void)argument;
	reply(s, "250-server.example\r\n250-PIPELINING\r\n"
	    "250-SIZE 1073741824\r\n250-8BITMIME\r\n250-CHUNKING\r\n"
	    "250 ENHANCEDSTATUSCODES\r\n");
}

static void
on_mail(struct server *s, const char *argument)
{
	(void)argument;
	begin_content(s);
	reply(s, "250 2.1.0 Ok\r\n");
}

static void
on_rcpt(struct server *s, const char *argument)
{
	const char *id = strstr(argument, "<id");

	s->identified = id && strlen(id) >= 3 + BODY_ID_DIGITS;
	if (s->identified) {
		memcpy(s->digits, id + 3, BODY_ID_DIGITS);
		s->id = (uint32_t)strtoul(id + 3, NULL, 10);
	}
	reply(s, "250 2.1.5 Ok\r\n");
}

static void
on_data(struct server *s, const char *argument)
{
	(void)argument;
	s->phase = EXPECT_DATA;
	reply(s, "354 End data with <CR><LF>.<CR><LF>\r\n");
}

static void
on_bdat(struct server *s, const char *argument)
{
	char *end;

	s->chunk_left = strtoull(argument, &end, 10);
	s->last_chunk = strcasestr(end, "LAST") != NULL;
	s->phase = EXPECT_CHUNK;
}

static void
on_rset(struct server *s, const char *argument)
{
	(void)argument;
	reply(s, "250 2.0.0 Ok\r\n");
}

static void
on_quit(struct server *s, const char *argument)
{
	(void)argument;
	s->closing = true;
	reply(s, "221 2.0.0 Bye\r\n");
}

static const struct {
	const char *verb;	/* of four letters */
	void (*then)(struct server *, const char *argument);
} commands[] = {
	{ "EHLO", on_ehlo }, { "HELO", on_ehlo }, { "MAIL", on_mail },
	{ "RCPT", on_rcpt }, { "DATA", on_data }, { "BDAT", on_bdat },
	{ "RSET", on_rset }, { "NOOP", on_rset }, { "QUIT", on_quit },
};

static void
take_command(struct take *t)
{
	struct server *s = t->s;

	s->line[s->line_n] = '\0';
	s->line_n = 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strncasecmp(s->line, commands[i].verb, 4)) {
			commands[i].then(s, s->line + 4);
			return;
		}
	}
	t->tally->odd_commands++;
	reply(s, "502 5.5.2 Error: command not recognized\r\n");
}

static void
take_line(struct take *t)
{
	struct server *s = t->s;
	const char *lf = memchr(t->p, '\n', t->n);
	size_t n = lf ? (size_t)(lf - t->p) + 1 : t->n;

	if (s->line_n + n >= sizeof(s->line)) {
		t->tally->odd_commands++;
		s->closing = true;
		return;
	}
	memcpy(s->line + s->line_n, t->p, n);
	s->line_n += n;
	t->p += n;
	t->n -= n;
	if (lf)
		take_command(t);
}

void
server_take(struct server *s, const struct body *body,
    struct server_tally *tally, char *p, size_t n)
{
	struct take t = { s, body, tally, p - s->held_n, n + s->held_n };

	memcpy(t.p, s->held, s->held_n);
	s->held_n = 0;
	/* an empty chunk is complete before anything has come */
	while (!s->closing &&
	    (t.n || (s->phase == EXPECT_CHUNK && !s->chunk_left))) {
		if (s->phase == EXPECT_DATA)
			take_data(&t);
		else if (s->phase == EXPECT_CHUNK)
			take_chunk(&t);
		else
			take_line(&t);
	}
}
