#include "replay/link.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* What a call of OpenSSL's came to, as one of the socket would have. */
static enum net_result
result_of(const struct link *l, int got)
{
	switch (SSL_get_error(l->ssl, got)) {
	case SSL_ERROR_NONE:
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return NET_OK;
	case SSL_ERROR_ZERO_RETURN:
		return NET_CLOSED;
	default:
		return NET_FAILED;
	}
}

enum net_result
link_read(struct link *l, char *out, size_t room, size_t *n)
{
	int got;

	if (l->ssl == NULL)
		return net_read(l->fd, out, room, n);
	*n = 0;
	if (room == 0)
		return NET_OK;
	ERR_clear_error();
	got = SSL_read(l->ssl, out, room < INT_MAX ? (int)room : INT_MAX);
	*n = got > 0 ? (size_t)got : 0;
	return result_of(l, got);
}

enum net_result
link_write(struct link *l, struct span bytes, size_t *n)
{
	int sent;

	if (l->ssl == NULL)
		return net_write(l->fd, bytes, n);
	*n = 0;
	if (bytes.n == 0)
		return NET_OK;
	ERR_clear_error();
	sent = SSL_write(l->ssl, bytes.p,
	    bytes.n < INT_MAX ? (int)bytes.n : INT_MAX);
	*n = sent > 0 ? (size_t)sent : 0;
	return result_of(l, sent);
}

int
link_poll(const struct link *l, struct pollfd *p, nfds_t n, int timeout_ms)
{
	bool here = l->ssl && (p->events & POLLIN) && SSL_pending(l->ssl) > 0;
	int ready = poll(p, n, here ? 0 : timeout_ms);

	if (here && ready >= 0 && !(p->revents & POLLIN)) {
		ready += p->revents == 0;
		p->revents |= POLLIN;
	}
	return ready;
}

/* Why the last call failed, of what OpenSSL and the system say. */
static void
say_why(const struct link *l, int got, int reason, char error[NET_ERROR_MAX])
{
	long verified = SSL_get_verify_result(l->ssl);
	unsigned long code = ERR_peek_last_error();
	const char *why = ERR_reason_error_string(code);

	if (code && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED &&
	    verified != X509_V_OK)
		why = X509_verify_cert_error_string(verified);
	else if (SSL_get_error(l->ssl, got) == SSL_ERROR_SYSCALL && !code)
		why = reason ? strerror(reason) : "the peer has closed the "
		    "connection";
	snprintf(error, NET_ERROR_MAX, "no TLS: %s", why ? why : "it failed");
}

/* Wait until the handshake can go on. False and a sentence: it cannot. */
static bool
wait(const struct link *l, const struct link_side *side, int got,
    char error[NET_ERROR_MAX])
{
	bool out = SSL_get_error(l->ssl, got) == SSL_ERROR_WANT_WRITE;
	struct pollfd p[] = {
		{ .fd = l->fd, .events = out ? POLLOUT : POLLIN },
		{ .fd = side->signals, .events = POLLIN },
	};
	int ready;

	do
		ready = poll(p, 2, net_left_ms(side->deadline));
	while (ready < 0 && errno == EINTR);
	if (ready > 0 && p[1].revents == 0)
		return true;
	snprintf(error, NET_ERROR_MAX, ready == 0 ? "no TLS: the handshake "
	    "timed out" : "no TLS: a signal came");
	return false;
}

static bool
prepare(struct link *l, const struct link_side *side)
{
	X509_VERIFY_PARAM *verify;
	const char *host = side->host;

	l->ssl = SSL_new(side->context);
	if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1)
		return false;
	if (side->server) {
		SSL_set_accept_state(l->ssl);
		return true;
	}
	SSL_set_connect_state(l->ssl);
	verify = SSL_get0_param(l->ssl);
	if (X509_VERIFY_PARAM_set1_ip_asc(verify, host) == 1)
		return true;
	return SSL_set_tlsext_host_name(l->ssl, host) == 1 &&
	    SSL_set1_host(l->ssl, host) == 1;
}

bool
link_secure(struct link *l, const struct link_side *side,
    char error[NET_ERROR_MAX])
{
	bool done = false;

	if (!prepare(l, side)) {
		snprintf(error, NET_ERROR_MAX, "no TLS: out of memory");
	} else {
		for (;;) {
			int got, reason;

			ERR_clear_error();
			errno = 0;
			got = SSL_do_handshake(l->ssl);
			reason = errno;
			done = got == 1;
			if (!done && result_of(l, got) != NET_OK)
				say_why(l, got, reason, error);
			else if (!done && wait(l, side, got, error))
				continue;
			break;
		}
	}
	if (!done)
		link_fini(l);
	return done;
}

static void
copy(char *to, size_t room, const char *from)
{
	text_copy(to, room, span_of(from ? from : ""));
}

void
link_facts(const struct link *l, struct recorder_tls *tls)
{
	bool server = SSL_is_server(l->ssl) == 1;
	long verified = SSL_get_verify_result(l->ssl);

	*tls = (struct recorder_tls){ .handshake_us = -1 };
	copy(tls->version, sizeof tls->version, SSL_get_version(l->ssl));
	copy(tls->cipher, sizeof tls->cipher, SSL_get_cipher_name(l->ssl));
	copy(tls->group, sizeof tls->group, SSL_group_to_name(l->ssl,
	    (int)SSL_get_negotiated_group(l->ssl)));
	copy(tls->sni, sizeof tls->sni, SSL_get_servername(l->ssl,
	    TLSEXT_NAMETYPE_host_name));
	tls->resumed = SSL_session_reused(l->ssl) == 1;
	if (!server)
		copy(tls->verified, sizeof tls->verified,
		    verified == X509_V_OK ? "ok" :
		    X509_verify_cert_error_string(verified));
}

void
link_end(struct link *l)
{
	if (l->ssl)
		(void)SSL_shutdown(l->ssl);	/* the socket is shut anyway */
	(void)shutdown(l->fd, SHUT_WR);
}

void
link_fini(struct link *l)
{
	SSL_free(l->ssl);
	l->ssl = NULL;
}
