#include "replay/starttls.h"

#include <errno.h>
#include <stdio.h>

#define LINE_MAX_OWN 512	/* octets of a command line (RFC 5321 4.5.3.1.4) */

static bool
wait(const struct link *l, short events, int64_t deadline, int signals)
{
	struct pollfd p[] = {
		{ .fd = l->fd, .events = events },
		{ .fd = signals, .events = POLLIN },
	};
	int ready;

	do
		ready = link_poll(l, p, 2, net_left_ms(deadline));
	while (ready < 0 && errno == EINTR);
	return ready > 0 && p[1].revents == 0;
}

bool
starttls_reply(struct link *l, struct replies *r, int64_t deadline,
    struct compare_reply *reply)
{
	size_t n;

	while (!replies_next(r, reply)) {
		if (!wait(l, POLLIN, deadline, -1) ||
		    (replies_read(r, l, &n) != NET_OK && n == 0))
			return false;
	}
	return true;
}

static bool
send_all(struct link *l, struct span bytes, int64_t deadline, int signals)
{
	size_t n;

	while (bytes.n) {
		if (!wait(l, POLLOUT, deadline, signals) ||
		    link_write(l, bytes, &n) != NET_OK)
			return false;
		bytes = span_from(bytes, n);
	}
	return true;
}

/* Say a command; it must be answered by 2yz. */
static bool
command(struct link *l, struct replies *r, const struct stage *stage,
    const char *line, int64_t deadline, char error[NET_ERROR_MAX])
{
	struct span verb = span_of(line);
	struct compare_reply reply;

	stage_lines(stage, SMTP_CLIENT, true, span_of(line));
	verb = span_word(&verb);
	verb = span_chomp(verb);
	if (!send_all(l, span_of(line), deadline, -1) ||
	    !starttls_reply(l, r, deadline, &reply)) {
		snprintf(error, NET_ERROR_MAX, "no TLS: the server does not "
		    "answer %.*s", (int)verb.n, verb.p);
		return false;
	}
	stage_lines(stage, SMTP_SERVER, false, reply.lines);
	if (reply.code / 100 == 2)
		return true;
	snprintf(error, NET_ERROR_MAX, "no TLS: the server refuses %.*s",
	    (int)verb.n, verb.p);
	return false;
}

bool
starttls_ask(struct link *l, struct replies *r, const struct stage *stage,
    struct span helo, int64_t deadline, char error[NET_ERROR_MAX])
{
	char ehlo[LINE_MAX_OWN];

	(void)snprintf(ehlo, sizeof ehlo, "EHLO %.*s\r\n",
	    helo.n < 256 ? (int)helo.n : 256, helo.p);
	return command(l, r, stage, ehlo, deadline, error) &&
	    command(l, r, stage, "STARTTLS\r\n", deadline, error);
}

/* What a server that has nothing but TLS to offer says. */
static const char *
answer_to(enum smtp_verb verb)
{
	switch (verb) {
	case SMTP_EHLO:
	case SMTP_LHLO:
		return "250-localhost\r\n250 STARTTLS\r\n";
	case SMTP_HELO:
	case SMTP_NOOP:
	case SMTP_RSET:
		return "250 2.0.0 Ok\r\n";
	case SMTP_STARTTLS:
		return "220 2.0.0 Ready to start TLS\r\n";
	case SMTP_QUIT:
		return "221 2.0.0 Bye\r\n";
	default:
		return "530 5.7.0 Must issue a STARTTLS command first\r\n";
	}
}

/* Answer the commands that have come. The last one's verb. */
static enum smtp_verb
answer_all(struct link *l, const struct stage *stage, struct smtp_session *smtp,
    struct span *in, int64_t deadline, int signals)
{
	enum smtp_verb verb = SMTP_NONE;
	struct smtp_event ev;

	while (verb != SMTP_STARTTLS && verb != SMTP_QUIT &&
	    smtp_next(smtp, SMTP_CLIENT, in, &ev) == SMTP_EVENT) {
		struct span reply;

		stage_lines(stage, SMTP_CLIENT, false, ev.raw);
		verb = ev.verb;
		reply = span_of(answer_to(verb));
		stage_lines(stage, SMTP_SERVER, true, reply);
		if (!send_all(l, reply, deadline, signals))
			return SMTP_QUIT;
		/* each command stands alone: nothing here has state */
		smtp_tls_started(smtp);
	}
	return verb;
}

bool
starttls_offer(struct link *l, const struct stage *stage, int64_t deadline,
    int signals)
{
	char bytes[2 * LINE_MAX_OWN];
	struct smtp_session smtp;
	size_t have = 0, n;

	smtp_start(&smtp);
	smtp_tls_started(&smtp);
	while (have < sizeof bytes && wait(l, POLLIN, deadline, signals)) {
		struct span in;
		enum smtp_verb verb;
		enum net_result result = link_read(l, bytes + have,
		    sizeof bytes - have, &n);

		in = (struct span){ bytes, have += n };
		verb = answer_all(l, stage, &smtp, &in, deadline, signals);
		if (verb == SMTP_STARTTLS)
			return true;
		if (verb == SMTP_QUIT || result != NET_OK)
			return false;
		memmove(bytes, in.p, in.n);
		have = in.n;
	}
	return false;
}
