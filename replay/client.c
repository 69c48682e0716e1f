#include "replay/client_part.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define PARTING		(5 * NET_SECOND)	/* for the server to close */
#define EXTRA_MAX	100	/* replies beyond the recording, then it is enough */

void
client_progress(struct client *c)
{
	c->deadline = net_now() + c->options->timeout;
}

void
client_stop(struct client *c, enum exit_status status, const char *why)
{
	verdict_depart(c->verdict, status);
	stage_event(&c->stage, why, (struct span){ NULL, 0 });
	c->verdict->stopped = why;
	c->over = true;
}

static void
show_difference(const struct client *c, const struct script_reply *was)
{
	if (was)
		stage_event(&c->stage, "differs from the recording",
		    was->lines);
	else
		stage_event(&c->stage, "the recording has no reply "
		    "here", (struct span){ NULL, 0 });
}

static bool
same(const struct client *c, const struct script_reply *was,
    const struct compare_reply *is)
{
	struct compare_reply expected;

	if (was == NULL)
		return c->options->compare == COMPARE_OFF;
	expected = (struct compare_reply){ was->verb, was->code, was->lines };
	return compare_same(c->options->compare, &expected, is);
}

void
client_take(struct client *c, const struct compare_reply *is)
{
	const struct script *s = c->script;
	const struct script_reply *was = c->came < s->nreplies ?
	    &s->replies[c->came] : NULL;
	const char *why = NULL, *unsafe = NULL;

	c->came++;
	c->code = is->code;
	c->verdict->compared++;
	if (!same(c, was, is)) {
		verdict_differ(c->verdict, was, is);
		show_difference(c, was);
		if (c->options->stop)
			why = "stopped at the first difference";
	}
	stage_lines(&c->stage, SMTP_SERVER, false, is->lines);
	if (c->came > s->nreplies + EXTRA_MAX)
		why = "stopped: too many replies";
	if (was)
		unsafe = guard_reply(&c->guard, was, is);
	if ((unsafe || why) && !c->over)
		client_stop(c, EXIT_DIVERGED, unsafe ? unsafe : why);
}

static void
hear(struct client *c)
{
	struct compare_reply reply;
	enum net_result result;
	size_t n;

	result = replies_read(&c->replies, c->link, &n);
	if (n)
		client_progress(c);
	while (!c->over && replies_next(&c->replies, &reply))
		client_take(c, &reply);
	c->closed = result != NET_OK;
}

static void
flush(struct client *c)
{
	struct span bytes = { c->out + c->out_at, c->out_n - c->out_at };
	size_t n;

	if (link_write(c->link, bytes, &n) != NET_OK)
		c->mute = true;
	if (n)
		client_progress(c);
	c->out_at += n;
	if (c->mute || c->out_at == c->out_n)
		c->out_at = c->out_n = 0;
}

static bool
may_send(struct client *c)
{
	const char *unsafe = guard_step(&c->guard, c->script, c->tile,
	    &c->script->steps[c->step]);

	if (unsafe)
		client_stop(c, EXIT_DIVERGED, unsafe);
	return unsafe == NULL;
}

/* When the next step goes out: at once, or as long after what went before it
 * as in the recording. */
static int64_t
due(const struct client *c)
{
	const struct script *s = c->script;
	const struct script_step *step = &s->steps[c->step];
	int64_t before = 0;

	if (!c->options->recorded_timing)
		return 0;
	if (c->step)
		before = step[-1].t_us;
	if (step->replies && s->replies[step->replies - 1].t_us > before)
		before = s->replies[step->replies - 1].t_us;
	return net_now() + (step->t_us - before) * 1000;
}

static void
say(const struct client *c, const struct script_tile *t)
{
	if (t->tile == SMTP_CONTENT || t->tile == SMTP_OPAQUE)
		stage_octets(&c->stage, SMTP_CLIENT, t->n);
	else
		stage_lines(&c->stage, SMTP_CLIENT, false,
		    script_sent(c->script, t));
}

/* Octets of a tile that belong to steps up to this one. */
static size_t
limit(const struct script_tile *t, const struct script_step *step)
{
	if (t->edit_n)
		return t->edit_n;
	return t->n < step->to - t->from ? t->n : step->to - t->from;
}

/* Take as much of the step as there is room for. False: nothing is left. */
static bool
fill(struct client *c)
{
	const struct script *s = c->script;
	const struct script_step *step = &s->steps[c->step];

	while (c->out_n < CLIENT_OUT_MAX && c->tile < s->ntiles) {
		const struct script_tile *t = &s->tiles[c->tile];
		struct span bytes = script_sent(s, t);
		size_t n, room = CLIENT_OUT_MAX - c->out_n;

		if (t->from >= step->to || c->at >= limit(t, step))
			break;
		n = limit(t, step) - c->at;
		if (n > room)
			n = room;
		memcpy(c->out + c->out_n, bytes.p + c->at, n);
		c->out_n += n;
		c->at += n;
		if (c->at == bytes.n) {
			say(c, t);
			c->tile++;
			c->at = 0;
		}
	}
	return c->out_n > 0;
}

/* Move on to what can be sent now. False: it waits for a reply, or its time. */
static bool
advance(struct client *c)
{
	while (!c->over && !c->mute && c->out_n == 0 &&
	    c->step < c->script->nsteps) {
		if (!client_pass_tls(c))
			return false;
		if (c->came < c->script->steps[c->step].replies)
			return false;
		if (!c->due_known) {
			c->due = due(c);
			c->due_known = true;
			if (!may_send(c))
				return false;
		}
		if (c->due > net_now())
			return false;
		if (fill(c))
			return true;
		c->step++;
		c->due_known = false;
		client_progress(c);
	}
	return c->out_n > 0;
}

/* When all replies have come, it does not matter what else could be sent. */
static bool
finished(const struct client *c)
{
	bool sent = c->step == c->script->nsteps && c->out_n == 0;

	return c->over || (c->came >= c->script->nreplies &&
	    (sent || c->mute || c->closed));
}

/* Wait for what is next: room to write, a reply, the time of a step. */
static void
wait(struct client *c)
{
	struct pollfd p = { .fd = c->link->fd, .events = POLLIN };
	bool timed = c->due_known && c->due > net_now();

	if (c->out_n)
		p.events |= POLLOUT;
	if (timed && c->due + c->options->timeout > c->deadline)
		c->deadline = c->due + c->options->timeout;
	if (link_poll(c->link, &p, 1,
	    net_left_ms(timed ? c->due : c->deadline)) < 0 && errno != EINTR)
		c->closed = true;
	if (p.revents & (POLLIN | POLLHUP | POLLERR))
		hear(c);
	if (p.revents & POLLOUT)
		flush(c);
	if (c->closed && !finished(c))
		client_stop(c, EXIT_CLOSED, "the server has closed the connection");
	else if (!finished(c) && net_now() >= c->deadline)
		client_stop(c, EXIT_TIMEOUT, "timed out: the server does not answer");
}

/* Read what still comes until the server closes; none of it is in the
 * recording, unless we have left it. */
static void
part(struct client *c)
{
	struct pollfd p = { .fd = c->link->fd, .events = POLLIN };
	int64_t deadline = net_now() + PARTING;
	struct compare_reply reply;
	enum net_result result = NET_OK;
	size_t n, replies = 0;

	for (;;) {
		for (; replies_next(&c->replies, &reply); replies++) {
			if (c->over)
				stage_lines(&c->stage, SMTP_SERVER,
				    false, reply.lines);
			else
				client_take(c, &reply);
		}
		if (result != NET_OK || replies > EXTRA_MAX ||
		    link_poll(c->link, &p, 1, net_left_ms(deadline)) <= 0)
			return;
		result = replies_read(&c->replies, c->link, &n);
	}
}

/* Leave politely, where the server reads commands: a session cut off is an
 * error in its log. */
static void
quit(struct client *c)
{
	struct span line = SPAN("QUIT\r\n");
	size_t n;

	if (c->closed || c->mute || c->out_n || c->at || c->code == 421 ||
	    c->guard.expects != GUARD_COMMANDS ||
	    c->verdict->status == EXIT_TIMEOUT)
		return;
	stage_lines(&c->stage, SMTP_CLIENT, true, line);
	if (link_write(c->link, line, &n) == NET_OK && n == line.n)
		part(c);
}

/* The recording ends with the server's close: so it has said all. */
static bool
server_closes(const struct script *s)
{
	return s->server_closed || (s->nreplies &&
	    s->replies[s->nreplies - 1].verb == SMTP_QUIT);
}

void
client_play(struct link *link, const struct script *script,
    const struct client_options *options, struct verdict *verdict)
{
	struct client *c = malloc(sizeof *c);

	*verdict = (struct verdict){ .status = EXIT_OK };
	if (c == NULL) {
		verdict_depart(verdict, EXIT_USAGE);
		verdict->stopped = "there is no memory for it";
		return;
	}
	memset(c, 0, offsetof(struct client, out));
	c->script = script;
	c->options = options;
	c->verdict = verdict;
	c->link = link;
	c->stage = options->stage;
	replies_init(&c->replies);
	client_progress(c);
	client_begin_tls(c);
	while (!finished(c)) {
		while (c->out_n == 0 && advance(c))
			flush(c);
		if (!finished(c))
			wait(c);
	}
	if (c->over)
		quit(c);
	else if (!c->closed && server_closes(script))
		part(c);
	replies_fini(&c->replies);
	free(c);
}
