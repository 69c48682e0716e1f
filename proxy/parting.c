#include "proxy/parting.h"

#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>

#include "proxy/relay.h"

/* The reply of ours with which a session ends. */
static struct span
farewell(const struct conn *c, const char *status, const char *why,
    char out[CONN_OWN_MAX])
{
	struct span name = worker_name(c->worker, c->listener);
	int n = snprintf(out, CONN_OWN_MAX, "421 %s %.*s %s\r\n", status,
	    (int)name.n, name.p, why);

	assert(n > 0 && n < CONN_OWN_MAX);
	return (struct span){ out, (size_t)n };
}

/* With octets of its own unread, closing would be a reset, and could cost it the
 * last of what it has been sent. */
void
parting_leave_server(struct conn *c)
{
	struct leg *server = &c->leg[SMTP_SERVER];

	if (leg_is_open(server) && server->connected && !server->shut) {
		leg_flush(server);
		leg_shut(server);
		(void)recv(server->io.fd, c->worker->buffer,
		    sizeof(c->worker->buffer), MSG_DONTWAIT);
	}
	leg_close(server, c->worker->loop, false);
	buffer_free(&server->out);
}

void
parting_await_end(struct conn *c, int64_t now)
{
	c->state = CONN_PARTING;
	c->since_ns = now;
	c->leg[SMTP_SERVER].ended = true;
	conn_set_timer(c, PARTING_NS);
}

void
parting_begin(struct conn *c, const char *ended_by, bool speak,
    const char *status, const char *why, int64_t now)
{
	char text[CONN_OWN_MAX];

	if (c->ended_by == NULL)
		c->ended_by = ended_by;
	parting_leave_server(c);
	if (!speak || c->state == CONN_PARTING) {
		c->state = CONN_OVER;
		return;
	}
	relay_own(c, farewell(c, status, why, text), now);
	c->has_said_421 = true;
	parting_await_end(c, now);
}

/* 421 may answer any command, stand for the greeting, or come unasked (RFC 5321
 * 3.8), but not within a reply. */
bool
parting_may_speak(const struct conn *c)
{
	bool half_a_line = c->leg[SMTP_SERVER].rest.n &&
	    !passage_holds(c, SMTP_SERVER);

	return smtp_between_replies(&c->smtp) && !half_a_line &&
	    c->leg[SMTP_CLIENT].out.n == 0;
}

void
parting_reset(struct conn *c)
{
	leg_close(&c->leg[SMTP_CLIENT], c->worker->loop, true);
	leg_close(&c->leg[SMTP_SERVER], c->worker->loop, true);
	c->state = CONN_OVER;
}
