/* altered: what was sent to the server is not what the client said (smtp.h). */
#include "inspect/engine.h"

/* The youngest in the queue is withdrawn; nothing else has moved but what the
 * command predicted. */
void
smtp_withdraw(struct smtp_session *s, const struct smtp_event *ev)
{
	if (s->in_flight)
		s->in_flight--;
	if (s->phase == PHASE_HELD)
		s->phase = PHASE_COMMAND;
	if (ev->verb == SMTP_BDAT || ev->verb == SMTP_BDAT_LAST) {
		s->chunking = false;
		s->chunk_unsent = true;
		s->mail_said = true;	/* what it began may still be open */
	}
	if (ev->verb == SMTP_QUIT && !(ev->anomalies & SMTP_ODD(AFTER_QUIT)))
		s->quit = false;
	if (ev->tile == SMTP_END_OF_DATA)
		engine_tx_over(s);
	s->suspect |= ev->verb == SMTP_AUTH || ev->verb == SMTP_XEXPS;
}

void
smtp_disguise(struct smtp_session *s, const struct smtp_event *ev)
{
	smtp_withdraw(s, ev);
	engine_push(s, SMTP_UNKNOWN);
}

void
smtp_inject(struct smtp_session *s, enum smtp_verb verb)
{
	engine_push(s, verb);
	if (engine_verbs[verb].flow == FLOW_HELD) {
		s->phase = PHASE_HELD;
		s->early = false;
	}
}

void
smtp_server_first(struct smtp_session *s)
{
	s->client_first = false;
}
