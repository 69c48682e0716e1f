/* security: what TLS of the companion's is to be like, from its options. */
#ifndef REPLAY_SECURITY_H
#define REPLAY_SECURITY_H

#include <stdbool.h>

#include "replay/net.h"
#include "replay/script.h"
#include "replay/verbs.h"

/* When TLS begins. */
enum security_when {
	SECURITY_RECORDED,	/* as in the recording */
	SECURITY_NONE,		/* never */
	SECURITY_STARTTLS,	/* after a STARTTLS: the recorded one, or before all
				 * else */
	SECURITY_AT_ONCE,	/* with the connection, before the greeting */
};

struct security {
	enum security_when when;
	struct ssl_ctx_st *context;	/* NULL: not made yet */
	/* of the client of a connection */
	bool verify;			/* the server's certificate must be good */
	const char *ca_file;		/* NULL: the system's */
	/* of its server: PEM; NULL: a certificate for localhost, made now */
	const char *cert, *key;
};

/* An option says when. The exit status; not OK: another had said something else. */
int security_choose(const struct args *, enum security_when,
    struct security *);

/* TLS may come of it, with a session recorded so. */
bool security_needed(const struct security *, enum script_tls);

/* Make the context, for one side or the other. False and a sentence that names
 * the file. */
bool security_client(struct security *, char error[NET_ERROR_MAX]);
bool security_server(struct security *, char error[NET_ERROR_MAX]);
void security_fini(struct security *);

#endif
