/* clienthello: what is to be seen of TLS that passes through: the ClientHello and
 * the ServerHello, which are in the clear (RFC 8446 4.1, RFC 5246 7.4.1).
 *
 *	if (hello_read(&hello, bytes))
 *		hello_facts(&hello, &facts);
 *
 * One struct hello for each side, zero at first. Bytes may be cut anywhere; the
 * first HELLO_MAX octets of a hello are looked at, the rest is passed over. What
 * is no TLS, or what nothing is known of, is no error: then less is known. Pure;
 * one thread at a time. */
#ifndef INSPECT_CLIENTHELLO_H
#define INSPECT_CLIENTHELLO_H

#include <stdint.h>

#include "inspect/span.h"

#define HELLO_MAX	4096	/* octets of a hello that are kept */
#define HELLO_VERSIONS	5	/* that have a name */

struct hello {
	bool over;		/* nothing more is to be learnt */
	unsigned char n_head;	/* octets of the record's header */
	unsigned char head[5];
	size_t left;		/* octets of the record that are to come */
	size_t n;		/* octets of the message, its header included */
	char message[HELLO_MAX];
};

/* Spans borrow from the hello. */
struct hello_facts {
	bool client;		/* it is a ClientHello; else a ServerHello */
	/* a client's offers, newest first; a server's choice; NULL: none known */
	const char *versions[HELLO_VERSIONS];
	unsigned n_versions;
	const char *cipher, *group;	/* a server's; NULL: not known */
	struct span sni;		/* a client's; n = 0: none */
	struct span alpn;		/* names, each behind an octet of its length */
	struct span session;		/* session id */
	bool psk;		/* a server's: an earlier session is resumed (1.3) */
};

/* The next bytes of that side. True once: the hello is here, as much of it as is
 * looked at. */
bool hello_read(struct hello *, struct span bytes);

/* What it says. False: it is no hello. */
bool hello_facts(const struct hello *, struct hello_facts *);

#endif
