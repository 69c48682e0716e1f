#include "replay/server.h"

#include <errno.h>
#include <stdlib.h>

#include "replay/match.h"
#include "replay/starttls.h"

#define PARTING (5 * NET_SECOND)	/* for the client to close behind our FIN */

struct server {
	const struct script *script;
	const struct server_options *options;
	struct link *link;
	struct stage stage;
	bool secured;		/* we are in TLS, or never shall be */
	bool forget;		/* what has come and is not read: TLS began */
	struct smtp_session smtp;
	size_t tile, reply;	/* of the script, next */
	size_t units;		/* that the client has said */
	size_t octets;		/* of content since the last line */
	bool over;
	enum exit_status status;	/* when over */
	size_t n;
	char in[2 * SMTP_LINE_MAX];
};

static void
end(struct server *s, enum exit_status status)
{
	s->over = true;
	s->status = status;
}

static void
note(const struct server *s, const char *what, struct span lines)
{
	stage_event(&s->stage, what, lines);
}

/* Wait until the descriptor can be read or written. False: it is over. */
static bool
wait(struct server *s, short events, int64_t deadline)
{
	struct pollfd p[] = {
		{ .fd = s->link->fd, .events = events },
		{ .fd = s->options->signals, .events = POLLIN },
	};
	int ready = link_poll(s->link, p, 2, net_left_ms(deadline));

	if (ready < 0 && errno == EINTR)
		return true;
	if (ready > 0 && p[1].revents == 0)
		return true;
	if (ready == 0)
		note(s, "timed out: the client is silent", SPAN(""));
	end(s, ready == 0 ? EXIT_TIMEOUT : EXIT_CLOSED);
	return false;
}

static void
send_all(struct server *s, struct span bytes)
{
	int64_t deadline = net_now() + s->options->timeout;
	size_t n;

	while (bytes.n && wait(s, POLLOUT, deadline)) {
		if (link_write(s->link, bytes, &n) != NET_OK) {
			end(s, EXIT_CLOSED);
			return;
		}
		bytes = span_from(bytes, n);
	}
}

/* Say it, and let the engine hear what we have said. */
static void
say(struct server *s, bool own, struct span lines)
{
	struct smtp_event ev;

	stage_lines(&s->stage, SMTP_SERVER, own, lines);
	send_all(s, lines);
	while (smtp_next(&s->smtp, SMTP_SERVER, &lines, &ev) == SMTP_EVENT)
		continue;
}

/* Come to TLS with the client; the session starts over (RFC 3207 4.2). */
static void
secure(struct server *s)
{
	char why[NET_ERROR_MAX];
	struct link_side side = {
		.context = s->options->security->context, .server = true,
		.deadline = net_now() + s->options->timeout,
		.signals = s->options->signals,
	};
	struct recorder_tls tls;

	s->secured = s->forget = true;
	if (!link_secure(s->link, &side, why)) {
		note(s, why, SPAN(""));
		end(s, EXIT_TLS);
		return;
	}
	link_facts(s->link, &tls);
	stage_secured(&s->stage, SMTP_CLIENT, &tls);
}

static void
start_over(struct server *s)
{
	smtp_tls_started(&s->smtp);
	smtp_strict(&s->smtp, true);
}

/* All replies to what the client has said. */
static void
say_due(struct server *s)
{
	const struct script *script = s->script;

	while (!s->over && s->reply < script->nreplies &&
	    script->replies[s->reply].unit <= s->units) {
		say(s, false, script->replies[s->reply++].lines);
		if (s->secured || s->over ||
		    s->reply != script->secured.replies)
			continue;
		secure(s);
		start_over(s);
	}
}

static bool
is_line(unsigned char tile)
{
	return tile == SMTP_COMMAND || tile == SMTP_CREDENTIAL ||
	    tile == SMTP_END_OF_DATA;
}

/* The line that the recorded client said next; NULL: no more. */
static const struct script_tile *
next_line(const struct server *s)
{
	size_t i = s->tile;

	while (i < s->script->ntiles && !is_line(s->script->tiles[i].tile))
		i++;
	return i < s->script->ntiles ? &s->script->tiles[i] : NULL;
}

static void
say_expected(const struct server *s, const struct script_tile *line)
{
	if (line)
		note(s, "the recording has", script_raw(s->script, line));
	else
		note(s, "the recording ends here", SPAN(""));
}

static void
take_line(struct server *s, const struct smtp_event *ev)
{
	const struct script_tile *line = next_line(s);

	if (s->octets)
		stage_octets(&s->stage, SMTP_CLIENT, s->octets);
	s->octets = 0;
	stage_lines(&s->stage, SMTP_CLIENT, false, ev->raw);
	if (line && match_line(s->script, line, ev, s->options->verbs)) {
		s->tile = (size_t)(line - s->script->tiles) + 1;
		return;
	}
	say_expected(s, line);
	say(s, true, SPAN("503 5.5.1 This is not what was recorded\r\n"));
	end(s, EXIT_UNEXPECTED);
}

static void
converse(struct server *s)
{
	struct span in = { s->in, s->n };
	struct smtp_event ev;

	while (!s->over &&
	    smtp_next(&s->smtp, SMTP_CLIENT, &in, &ev) == SMTP_EVENT) {
		if (is_line((unsigned char)ev.tile))
			take_line(s, &ev);
		else
			s->octets += ev.raw.n;
		if (!s->over && script_unit(&ev)) {
			s->units++;
			say_due(s);
		}
		if (s->forget && in.n) {
			note(s, "the client said more, in the clear", SPAN(""));
			in.n = 0;
		}
		s->forget = false;
	}
	memmove(s->in, in.p, in.n);
	s->n = in.n;
}

/* The client has closed: at the end of the recording, or before? */
static void
left(struct server *s)
{
	const struct script_tile *line = next_line(s);

	if (line) {
		note(s, "the client has left; the recording goes on",
		    script_raw(s->script, line));
		end(s, EXIT_CLOSED);
	} else {
		end(s, EXIT_OK);
	}
}

/* All has been said, and the recorded server closed then, or had to (QUIT). */
static bool
server_is_done(const struct server *s)
{
	const struct script *script = s->script;

	if (s->reply < script->nreplies)
		return false;
	return script->server_closed || (script->nreplies &&
	    script->replies[script->nreplies - 1].verb == SMTP_QUIT);
}

static void
hear(struct server *s)
{
	enum net_result result;
	size_t n;

	if (!wait(s, POLLIN, net_now() + s->options->timeout))
		return;
	/* The engine leaves a whole buffer unread only where a recording that
	 * was cut off has no reply to go on with. */
	if (s->n == sizeof s->in) {
		note(s, "the client has gone on without a reply", SPAN(""));
		end(s, EXIT_UNEXPECTED);
		return;
	}
	result = link_read(s->link, s->in + s->n, sizeof s->in - s->n, &n);
	s->n += n;
	converse(s);
	if (!s->over && result != NET_OK)
		left(s);
}

/* Close so that our last reply arrives: a close on unread bytes would reset
 * the connection (RFC 1122 4.2.2.13). */
static void
part(struct server *s)
{
	struct pollfd p = { .fd = s->link->fd, .events = POLLIN };
	int64_t deadline = net_now() + PARTING;
	size_t n;

	link_end(s->link);
	while (net_now() < deadline &&
	    link_poll(s->link, &p, 1, net_left_ms(deadline)) > 0 &&
	    link_read(s->link, s->in, sizeof s->in, &n) == NET_OK)
		continue;
}

/* What was before TLS is not played, but for the greeting. */
static void
skip(struct server *s)
{
	s->tile = s->script->secured.tiles;
	s->units = s->script->secured.units;
	s->reply = s->script->secured.replies;
	start_over(s);
}

/* A session that was recorded without STARTTLS is to have one: before it. */
static void
offer_tls(struct server *s)
{
	if (!starttls_offer(s->link, &s->stage,
	    net_now() + s->options->timeout, s->options->signals)) {
		note(s, "the client does not ask for TLS", SPAN(""));
		end(s, EXIT_TLS);
		return;
	}
	secure(s);
	start_over(s);
}

/* The greeting, and TLS where it comes before the rest. */
static void
begin(struct server *s)
{
	enum security_when when = s->options->security->when;
	bool recorded = s->script->tls == SCRIPT_STARTTLS;

	if (when == SECURITY_RECORDED && s->script->tls == SCRIPT_TLS)
		when = SECURITY_AT_ONCE;
	s->secured = !recorded || when == SECURITY_AT_ONCE ||
	    when == SECURITY_NONE;
	if (when == SECURITY_AT_ONCE)
		secure(s);
	if (!s->over)
		say_due(s);
	if (!s->over && recorded && s->secured)
		skip(s);
	else if (!s->over && !recorded && when == SECURITY_STARTTLS)
		offer_tls(s);
	s->forget = false;
}

enum exit_status
server_play(struct link *link, const struct script *script,
    const struct server_options *options)
{
	struct server *s = malloc(sizeof *s);
	enum exit_status status;

	if (s == NULL)
		return EXIT_USAGE;
	memset(s, 0, offsetof(struct server, in));
	s->script = script;
	s->options = options;
	s->link = link;
	s->stage = options->stage;
	smtp_start(&s->smtp);
	smtp_strict(&s->smtp, true);
	begin(s);
	while (!s->over) {
		if (server_is_done(s))
			end(s, EXIT_OK);
		else
			hear(s);
	}
	if (s->status == EXIT_OK || s->status == EXIT_UNEXPECTED)
		part(s);
	status = s->status;
	free(s);
	return status;
}
