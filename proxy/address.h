/* address: where to listen and where to connect, as text and as sockaddr.
 *
 * An endpoint is what the operator wrote: a host, which may be a name, and a
 * port. An address is what a socket takes. IPv4 and IPv6. Pure but for
 * if_nametoindex() of "fe80::1%eth0"; any thread. */
#ifndef PROXY_ADDRESS_H
#define PROXY_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT	56	/* octets of "[address]:port", NUL included */
#define ADDRESS_HOST	256	/* octets of a host name, NUL included */

struct endpoint {
	char host[ADDRESS_HOST];	/* "" and "*" stand for any address */
	int port;			/* -1: none was given */
};

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} sa;
	socklen_t n;
};

/* Read "HOST", "HOST:PORT", ":PORT", "*:PORT", "[IPv6]:PORT" or a bare IPv6
 * literal. False: it is none of these. */
bool endpoint_parse(const char *text, struct endpoint *);

/* The endpoint's host as a literal, "" and "*" as the IPv6 wildcard. False: it
 * is a name. */
bool address_literal(const struct endpoint *, struct address *);

/* An address from a sockaddr of AF_INET or AF_INET6; other families are
 * refused. An IPv4 address mapped into IPv6 becomes the IPv4 address. */
bool address_from(struct address *, const struct sockaddr *);

/* The address without its port: "192.0.2.1", "2001:db8::1". */
void address_host_text(const struct address *, char out[ADDRESS_TEXT]);

/* "192.0.2.1:25", "[2001:db8::1]:25". */
void address_text(const struct address *, char out[ADDRESS_TEXT]);

uint16_t address_port(const struct address *);
void address_set_port(struct address *, uint16_t);

/* 0.0.0.0 or :: */
bool address_is_any(const struct address *);

/* The same host, whatever the port. */
bool address_same_host(const struct address *, const struct address *);

#endif
