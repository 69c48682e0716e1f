#include "tests/unit/tlspair.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
tlspair_open(struct tlspair *p)
{
	(void)signal(SIGPIPE, SIG_IGN);
	memset(p, 0, sizeof(*p));
	p->fd[0] = p->fd[1] = -1;
	pki_open(&p->pki);
}

static void
disconnect(struct tlspair *p)
{
	tls_free(p->server);
	tls_free(p->client);
	p->server = p->client = NULL;
	for (int i = 0; i < 2; i++) {
		if (p->fd[i] >= 0)
			(void)close(p->fd[i]);
		p->fd[i] = -1;
	}
}

void
tlspair_close(struct tlspair *p)
{
	disconnect(p);
	tls_context_free(p->of_server);
	tls_context_free(p->of_client);
	pki_close(&p->pki);
}

static struct tls_context *
make(struct tlspair *p, enum smtp_side side, struct tls_options o)
{
	struct tls_context *c;

	if (!o.listener)
		o.listener = "test";
	c = tls_context_new(side, &o, p->error);
	ck_assert_msg(c != NULL, "%s", p->error);
	return c;
}

void
tlspair_serve(struct tlspair *p, struct tls_options o)
{
	tls_context_free(p->of_server);
	p->of_server = make(p, SMTP_CLIENT, o);
}

void
tlspair_ask(struct tlspair *p, struct tls_options o)
{
	tls_context_free(p->of_client);
	p->of_client = make(p, SMTP_SERVER, o);
}

void
tlspair_usual(struct tlspair *p)
{
	tlspair_serve(p, (struct tls_options){
	    .ca_cert = pki_path(&p->pki, "ca.pem"),
	    .ca_key = pki_path(&p->pki, "ca.key") });
	tlspair_ask(p, (struct tls_options){
	    .ca_file = pki_path(&p->pki, "ca.pem") });
}

void
tlspair_serve_file(struct tlspair *p, const char *file)
{
	tlspair_serve(p, (struct tls_options){
	    .cert = pki_path(&p->pki, file),
	    .key = pki_path(&p->pki, "key.pem") });
}

void
tlspair_version(struct tlspair *p, int version)
{
	(void)SSL_CTX_set_min_proto_version(p->of_server->ctx, version);
	(void)SSL_CTX_set_max_proto_version(p->of_server->ctx, version);
	(void)SSL_CTX_set_min_proto_version(p->of_client->ctx, version);
	(void)SSL_CTX_set_max_proto_version(p->of_client->ctx, version);
}

void
tlspair_connect(struct tlspair *p, const char *host)
{
	disconnect(p);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    p->fd), 0);
	p->server = tls_accept(p->of_server, p->fd[0]);
	p->client = tls_connect(p->of_client, p->fd[1], host);
	ck_assert(p->server != NULL && p->client != NULL);
}

static bool
is_over(enum tls_step step)
{
	return step == TLS_DONE || step == TLS_FAILED;
}

bool
tlspair_handshake(struct tlspair *p)
{
	enum tls_step s = TLS_WANTS_READ, c = TLS_WANTS_READ;

	/* a flight each a turn: both are over after a few */
	for (unsigned i = 0; i < 16; i++) {
		if (!is_over(c))
			c = tls_handshake(p->client);
		if (!is_over(s))
			s = tls_handshake(p->server);
	}
	ck_assert(is_over(s) || c == TLS_FAILED);
	ck_assert(is_over(c) || s == TLS_FAILED);
	return s == TLS_DONE && c == TLS_DONE;
}

bool
tlspair_shake(struct tlspair *p, const char *host)
{
	char none[1];

	tlspair_connect(p, host);
	if (!tlspair_handshake(p))
		return false;
	/* tickets come behind the handshake in TLS 1.3 */
	return tls_recv(p->client, none, 1) == -1 && errno == EAGAIN;
}

void
tlspair_talk(struct tlspair *p)
{
	ck_assert_msg(tlspair_shake(p, TLSPAIR_HOST), "%s / %s",
	    tls_why(p->server), tls_why(p->client));
}
