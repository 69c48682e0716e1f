/* sink: a server that accepts everything and keeps nothing: `serve --sink`.
 *
 * Many clients at once, one thread. Memory per client is bounded (see sink.c);
 * a client that does not read its replies is not read from; one that is silent
 * for five minutes is closed (RFC 5321 4.5.3.2.7). Out of descriptors: clients
 * wait in the listen queue until one leaves. */
#ifndef REPLAY_SINK_H
#define REPLAY_SINK_H

#include "replay/answer.h"

struct sink_options {
	const char *listen;	/* ADDR:PORT */
	int ready_fd;		/* -1: nobody waits */
	bool verbose;		/* a line on stderr per message and session */
	const struct answer_refusal *refusals;
	size_t nrefusals;
};

/* Serve until TERM or INT. Gives the exit status of smtptap. */
int sink_run(const struct sink_options *);

#endif
