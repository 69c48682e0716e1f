/* filter: which sessions are wanted, in the words of `smtptap list`.
 *
 * Words such as from:joe, code:5xx and size>1M, all of which must hold. They
 * become the parameters of the query list_sessions; what is not said is NULL
 * there. Pure but for binding; one thread. */
#ifndef REPLAY_FILTER_H
#define REPLAY_FILTER_H

#include <netinet/in.h>
#include <sqlite3.h>
#include <stdint.h>

#include "inspect/span.h"

#define FILTER_ERROR_MAX 256
#define FILTER_TEXT_MAX 4096	/* octets of all words together */
#define FILTER_BOUND_MAX 32

/* A parameter of the query and its value. */
struct filter_bound {
	const char *parameter;	/* ":sender" */
	const char *text;	/* NULL: number */
	int64_t number;
};

/* A network; v4 ones as v4-mapped (RFC 4291 2.5.5.2). */
struct filter_network {
	struct in6_addr address;
	unsigned bits;		/* that count, 0..128 */
};

struct filter {
	char memory[FILTER_TEXT_MAX];
	size_t used;
	struct filter_bound bound[FILTER_BOUND_MAX];
	unsigned nbound;
	bool by_client;
	struct filter_network client;
};

/* What the help of a verb that takes a filter says about it. */
#define FILTER_HELP \
	"FILTER is words, all of which must hold:\n" \
	"  from:TEXT  rcpt:TEXT    in the sender's, a recipient's address; " \
	"from:<> is null\n" \
	"  helo:TEXT  subject:TEXT  qid:TEXT   in what the client said, in " \
	"the queue id\n" \
	"  client:ADDRESS[/BITS]   192.0.2.7, 10.0.0.0/8, 2001:db8::/32\n" \
	"  code:550  code:5xx      a reply with such a code; with verb:, to " \
	"that command\n" \
	"  verb:RCPT               such a command\n" \
	"  event:NAME              an event of this name, or of this severity " \
	"(attack)\n" \
	"  rule:NAME  rewritten    a rule of the policy fired; it changed " \
	"something\n" \
	"  tls:yes|no|TEXT         TLS, of this version or cipher\n" \
	"  dur>2s  dur<100ms       how long it took\n" \
	"  size>1M  size<512       octets of a message; k, M, G are powers of " \
	"1024\n" \
	"  since:2h  since:2026-11-22  until:2026-11-22T10:30\n" \
	"                          in UTC; 2h is two hours ago; until: a day " \
	"includes that day\n" \
	"Quote what a shell would take: 'size>1M', subject:'\"two words\"'\n"

/* Read words; each may hold several, blanks between, "..." around blanks that
 * belong to a value. now_us: us since 1970, for since:2h. False and a sentence. */
bool filter_parse(struct filter *, char **words, int n, int64_t now_us,
    char error[FILTER_ERROR_MAX]);

/* Set the parameters of a query that is reset and unbound. */
void filter_bind(const struct filter *, sqlite3_stmt *);

/* This client, "addr:port", is one that is wanted. */
bool filter_wants_client(const struct filter *, struct span client);

#endif
