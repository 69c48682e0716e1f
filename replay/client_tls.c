/* client_tls: how a client that is played comes to TLS. */
#include <stdio.h>

#include "replay/client_part.h"
#include "replay/starttls.h"

/* Come to TLS with the server. */
static void
secure(struct client *c)
{
	char *why = c->verdict->why;
	struct link_side side = {
		.context = c->options->security->context,
		.host = c->options->host,
		.deadline = net_now() + c->options->timeout, .signals = -1,
	};
	struct recorder_tls tls;

	c->secured = true;
	if (replies_forget(&c->replies))
		stage_event(&c->stage, "the server said more, in the clear",
		    (struct span){ NULL, 0 });
	if (!link_secure(c->link, &side, why)) {
		c->closed = true;	/* for SMTP */
		client_stop(c, EXIT_TLS, why);
		return;
	}
	link_facts(c->link, &tls);
	stage_secured(&c->stage, SMTP_SERVER, &tls);
	c->guard.expects = GUARD_COMMANDS;
	client_progress(c);
}

bool
client_pass_tls(struct client *c)
{
	const struct script *s = c->script;

	if (c->skips) {
		if (c->came == 0)
			return false;
		c->skips = false;
		c->step = s->secured.steps;
		c->tile = s->secured.tiles;
		c->came = s->secured.replies;
	}
	if (c->secured || c->step < s->secured.steps)
		return true;
	if (c->came < s->secured.replies)
		return false;
	secure(c);
	return !c->over;
}

/* The name the recorded client gave. */
static struct span
helo(const struct script *s)
{
	for (size_t i = 0; i < s->ntiles; i++) {
		enum smtp_verb verb = (enum smtp_verb)s->tiles[i].verb;
		struct span sent = span_chomp(script_sent(s, &s->tiles[i]));

		if (verb != SMTP_EHLO && verb != SMTP_HELO &&
		    verb != SMTP_LHLO)
			continue;
		(void)span_word(&sent);
		return span_trim(sent);
	}
	return SPAN("localhost");
}

/* A session that was recorded without STARTTLS is to have one: before it. */
static void
ask_tls(struct client *c)
{
	char *why = c->verdict->why;
	struct compare_reply greeting;

	(void)snprintf(why, sizeof c->verdict->why,
	    "no TLS: the server does not greet");
	if (!starttls_reply(c->link, &c->replies, c->deadline, &greeting)) {
		client_stop(c, EXIT_TLS, why);
		return;
	}
	client_take(c, &greeting);
	if (c->over)
		return;
	if (starttls_ask(c->link, &c->replies, &c->stage, helo(c->script),
	    c->deadline, why))
		secure(c);
	else
		client_stop(c, EXIT_TLS, why);
}

void
client_begin_tls(struct client *c)
{
	enum security_when when = c->options->security->when;
	bool recorded = c->script->tls == SCRIPT_STARTTLS;

	if (when == SECURITY_RECORDED && c->script->tls == SCRIPT_TLS)
		when = SECURITY_AT_ONCE;
	c->skips = recorded &&
	    (when == SECURITY_AT_ONCE || when == SECURITY_NONE);
	c->secured = !recorded || c->skips;
	if (when == SECURITY_AT_ONCE)
		secure(c);
	else if (when == SECURITY_STARTTLS && !recorded)
		ask_tls(c);
}
