#include "proxy/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "proxy/clock.h"
#include "proxy/tls_why.h"

static struct tls *
open_tls(struct tls_context *context, int fd)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->context = context;
	t->ssl = SSL_new(context->ctx);
	if (t->ssl && SSL_set_fd(t->ssl, fd) == 1 &&
	    SSL_set_app_data(t->ssl, t) == 1)
		return t;
	tls_free(t);
	return NULL;
}

struct tls *
tls_accept(struct tls_context *context, int fd)
{
	struct tls *t;

	assert(context->side == SMTP_CLIENT);
	t = open_tls(context, fd);
	if (t)
		SSL_set_accept_state(t->ssl);
	return t;
}

/* What to ask for and to look for: an address has no SNI (RFC 6066 3). */
static bool
set_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	unsigned char address[16];

	if (inet_pton(AF_INET, host, address) == 1 ||
	    inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
	    SSL_set_tlsext_host_name(ssl, host) == 1;
}

static void
offer_session(struct tls *t)
{
	SSL_SESSION *session =
	    tls_sessions_take(t->context->sessions, t->host);

	if (session)
		(void)SSL_set_session(t->ssl, session);	/* or a full one */
	SSL_SESSION_free(session);
}

/* The dot at the end of a name is not part of it in certificates (RFC 6066 3). */
static void
strip_dot(char *host)
{
	size_t n = strlen(host);

	if (n > 1 && host[n - 1] == '.')
		host[n - 1] = '\0';
}

struct tls *
tls_connect(struct tls_context *context, int fd, const char *host)
{
	struct tls *t;

	assert(context->side == SMTP_SERVER);
	t = open_tls(context, fd);
	if (t == NULL)
		return NULL;
	tls_set_name(t, host);
	strip_dot(t->host);
	if (!set_host(t->ssl, t->host)) {
		tls_free(t);
		return NULL;
	}
	SSL_set_connect_state(t->ssl);
	offer_session(t);
	return t;
}

void
tls_set_name(struct tls *t, const char *name)
{
	(void)snprintf(t->host, sizeof(t->host), "%s", name);
}

/* The socket's errno, or what OpenSSL says, as a sentence. */
static void
fail(struct tls *t, int error)
{
	t->failed = true;
	if (t->fault.error != X509_V_OK && !t->done)
		tls_why_fault(&t->fault, t->host, t->why);
	else
		tls_why_failed(error, t->why);
	ERR_clear_error();
}

enum tls_step
tls_handshake(struct tls *t)
{
	int result;

	assert(!t->failed);
	if (t->began_ns == 0)
		t->began_ns = clock_ns();
	ERR_clear_error();
	errno = 0;
	result = SSL_do_handshake(t->ssl);
	if (result == 1) {
		t->took_ns = clock_ns() - t->began_ns;
		t->done = t->pending = true;
		return TLS_DONE;
	}
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	default:
		t->error = EPROTO;
		fail(t, errno);
		return TLS_FAILED;
	}
}

void
tls_time_out(struct tls *t)
{
	t->failed = true;
	t->error = ETIMEDOUT;
	(void)snprintf(t->why, sizeof(t->why),
	    "the TLS handshake timed out: the peer has %s",
	    BIO_number_read(SSL_get_rbio(t->ssl)) > 0 ?
	    "stopped in the middle" : "sent nothing");
}

/* A read that gave nothing: wait, the end, or a failure.
 *
 * SMTP says itself where a message ends, so that who cuts the stream wins
 * nothing, and clients are often too lazy for close_notify: it is an end like
 * the other (SSL_OP_IGNORE_UNEXPECTED_EOF), and is told. */
static void
stop_recv(struct tls *t, int error, int system)
{
	t->recv_wants_write = error == SSL_ERROR_WANT_WRITE;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		t->error = EAGAIN;
	} else if (error == SSL_ERROR_ZERO_RETURN) {
		t->ended = true;
		t->cut = BIO_eof(SSL_get_rbio(t->ssl));
	} else {
		t->error = error == SSL_ERROR_SYSCALL && system ? system :
		    EPROTO;
		fail(t, system);
	}
}

/* Octets up to size, and what stopped them from being more. */
static size_t
recv_some(struct tls *t, char *out, size_t size)
{
	size_t total = 0, n;

	while (total < size) {
		ERR_clear_error();
		errno = 0;
		if (SSL_read_ex(t->ssl, out + total, size - total, &n) != 1) {
			int system = errno;

			stop_recv(t, SSL_get_error(t->ssl, 0), system);
			break;
		}
		total += n;
	}
	return total;
}

ssize_t
tls_recv(struct tls *t, char *out, size_t size)
{
	size_t n = 0;

	assert((t->done || t->failed) && size > 0);
	t->recv_wants_write = false;
	if (!t->ended && !t->failed)
		n = recv_some(t, out, size);
	t->pending = n > 0 && (n == size || t->ended || t->failed);
	if (n > 0 || t->ended)
		return (ssize_t)n;
	errno = t->error;
	return -1;
}

static void
stop_send(struct tls *t, size_t promised, int system)
{
	int error = SSL_get_error(t->ssl, 0);

	t->send_wants_read = error == SSL_ERROR_WANT_READ;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		t->promised = promised;
		t->error = EAGAIN;
	} else {
		t->error = error == SSL_ERROR_SYSCALL && system ? system :
		    EPROTO;
		fail(t, system);
	}
}

/* A call of OpenSSL takes one record. */
ssize_t
tls_send(struct tls *t, const char *octets, size_t n)
{
	size_t total = 0, taken;

	assert((t->done || t->failed) && n > 0);
	assert(n >= t->promised || t->failed);
	t->send_wants_read = false;
	while (total < n && !t->failed) {
		ERR_clear_error();
		errno = 0;
		if (SSL_write_ex(t->ssl, octets + total, n - total, &taken) !=
		    1) {
			stop_send(t, n - total, errno);
			break;
		}
		t->promised = 0;
		total += taken;
	}
	if (total > 0)
		return (ssize_t)total;
	errno = t->error;
	return -1;
}

bool
tls_recv_wants_write(const struct tls *t)
{
	return t->recv_wants_write;
}

bool
tls_send_wants_read(const struct tls *t)
{
	return t->send_wants_read;
}

bool
tls_pending(const struct tls *t)
{
	return t->pending;
}

bool
tls_cut(const struct tls *t)
{
	return t->cut;
}

void
tls_end(struct tls *t)
{
	if (!t->done || t->failed)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);	/* nobody waits for it */
	ERR_clear_error();
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	/* else OpenSSL forgets the session of a connection that ended without
	 * close_notify, and it can not be resumed (RFC 8446 6.1 allows it) */
	if (t->done && !t->failed)
		SSL_set_shutdown(t->ssl,
		    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	X509_free(t->fault.x);
	SSL_free(t->ssl);
	free(t);
}

const char *
tls_why(const struct tls *t)
{
	return t->why;
}
