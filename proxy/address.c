#include "proxy/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* A decimal port, 0..65535; -1 for anything else. */
static int
port_of(const char *text)
{
	size_t n = strspn(text, "0123456789");
	int port = 0;

	if (n == 0 || n > 5 || text[n] != '\0')
		return -1;
	for (; *text != '\0'; text++)
		port = port * 10 + (*text - '0');
	return port <= 65535 ? port : -1;
}

static bool
set_host(struct endpoint *e, const char *host, size_t n)
{
	if (n >= sizeof(e->host))
		return false;
	memcpy(e->host, host, n);
	e->host[n] = '\0';
	return true;
}

bool
endpoint_parse(const char *text, struct endpoint *e)
{
	const char *colon = strchr(text, ':');
	const char *bracket = strchr(text, ']');

	e->port = -1;
	if (text[0] == '[') {
		if (bracket == NULL || !set_host(e, text + 1,
		    (size_t)(bracket - text) - 1))
			return false;
		colon = bracket + 1;
		if (strchr(e->host, ':') == NULL)
			return false;
	} else if (colon == NULL || strchr(colon + 1, ':') != NULL) {
		/* no colon, or a bare IPv6 literal */
		colon = text + strlen(text);
		if (colon == text || !set_host(e, text, strlen(text)))
			return false;
	} else if (!set_host(e, text, (size_t)(colon - text)))
		return false;
	if (*colon == '\0')
		return true;
	e->port = *colon == ':' ? port_of(colon + 1) : -1;
	return e->port >= 0;
}

/* inet_pton() knows no zones; "fe80::1%eth0" needs one. */
static bool
literal6(const char *host, struct sockaddr_in6 *in6)
{
	char bare[ADDRESS_HOST];
	size_t n = strcspn(host, "%");

	memcpy(bare, host, n);
	bare[n] = '\0';
	if (host[n] == '%') {
		in6->sin6_scope_id = if_nametoindex(host + n + 1);
		if (in6->sin6_scope_id == 0)
			return false;
	}
	in6->sin6_family = AF_INET6;
	return inet_pton(AF_INET6, bare, &in6->sin6_addr) == 1;
}

bool
address_literal(const struct endpoint *e, struct address *a)
{
	const char *host = e->host;

	if (host[0] == '\0' || strcmp(host, "*") == 0)
		host = "::";
	*a = (struct address){ .n = sizeof(a->sa.in4) };
	a->sa.in4.sin_family = AF_INET;
	if (inet_pton(AF_INET, host, &a->sa.in4.sin_addr) != 1) {
		*a = (struct address){ .n = sizeof(a->sa.in6) };
		if (!literal6(host, &a->sa.in6))
			return false;
	}
	address_set_port(a, (uint16_t)(e->port < 0 ? 0 : e->port));
	return true;
}

bool
address_from(struct address *a, const struct sockaddr *sa)
{
	struct sockaddr_in6 in6;

	*a = (struct address){ .n = sizeof(a->sa.in4) };
	if (sa->sa_family == AF_INET) {
		memcpy(&a->sa.in4, sa, sizeof(a->sa.in4));
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(&in6, sa, sizeof(in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		a->sa.in4.sin_family = AF_INET;
		a->sa.in4.sin_port = in6.sin6_port;
		memcpy(&a->sa.in4.sin_addr, &in6.sin6_addr.s6_addr[12], 4);
		return true;
	}
	a->sa.in6 = in6;
	a->n = sizeof(in6);
	return true;
}

void
address_host_text(const struct address *a, char out[ADDRESS_TEXT])
{
	const void *bytes = a->sa.any.sa_family == AF_INET6 ?
	    (const void *)&a->sa.in6.sin6_addr :
	    (const void *)&a->sa.in4.sin_addr;

	if (inet_ntop(a->sa.any.sa_family, bytes, out, ADDRESS_TEXT) == NULL)
		(void)strcpy(out, "?");
}

void
address_text(const struct address *a, char out[ADDRESS_TEXT])
{
	char host[ADDRESS_TEXT];
	bool v6 = a->sa.any.sa_family == AF_INET6;

	address_host_text(a, host);
	(void)snprintf(out, ADDRESS_TEXT, v6 ? "[%.46s]:%u" : "%.46s:%u", host,
	    (unsigned)address_port(a));
}

uint16_t
address_port(const struct address *a)
{
	return ntohs(a->sa.any.sa_family == AF_INET6 ? a->sa.in6.sin6_port :
	    a->sa.in4.sin_port);
}

void
address_set_port(struct address *a, uint16_t port)
{
	if (a->sa.any.sa_family == AF_INET6)
		a->sa.in6.sin6_port = htons(port);
	else
		a->sa.in4.sin_port = htons(port);
}

bool
address_is_any(const struct address *a)
{
	if (a->sa.any.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&a->sa.in6.sin6_addr);
	return a->sa.in4.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool
address_same_host(const struct address *a, const struct address *b)
{
	if (a->sa.any.sa_family != b->sa.any.sa_family)
		return false;
	if (a->sa.any.sa_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&a->sa.in6.sin6_addr,
		    &b->sa.in6.sin6_addr);
	return a->sa.in4.sin_addr.s_addr == b->sa.in4.sin_addr.s_addr;
}
