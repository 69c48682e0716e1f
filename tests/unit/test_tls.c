/* A TLS connection that ends here behaves like a socket, and says what it is. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tls.h"
#include "tests/unit/pki.h"

#define HOST "mx.example"

static struct pki pki;
static struct tls_context *inner, *outer;	/* TLS server's, TLS client's */
static struct tls *server, *client;
static int fd[2];
static char error[TLS_ERROR];

static struct tls_context *
context(enum smtp_side side, struct tls_options o)
{
	struct tls_context *c;

	o.listener = "test";
	c = tls_context_new(side, &o, error);
	ck_assert_msg(c != NULL, "%s", error);
	return c;
}

static struct tls_context *
minting(void)
{
	return context(SMTP_CLIENT, (struct tls_options){
	    .ca_cert = pki_path(&pki, "ca.pem"),
	    .ca_key = pki_path(&pki, "ca.key") });
}

static struct tls_context *
trusting(void)
{
	return context(SMTP_SERVER, (struct tls_options){
	    .ca_file = pki_path(&pki, "ca.pem") });
}

static void
set_up(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	pki_open(&pki);
}

static void
connect_pair(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fd), 0);
	server = tls_accept(inner, fd[0]);
	client = tls_connect(outer, fd[1], HOST);
	ck_assert(server != NULL && client != NULL);
}

/* Both sides by turns, until neither wants anything. */
static bool
shake(void)
{
	enum tls_step s = TLS_WANTS_READ, c = TLS_WANTS_READ;

	for (unsigned i = 0; i < 100; i++) {
		if (c != TLS_DONE && c != TLS_FAILED)
			c = tls_handshake(client);
		if (s != TLS_DONE && s != TLS_FAILED)
			s = tls_handshake(server);
	}
	return s == TLS_DONE && c == TLS_DONE;
}

static void
disconnect(void)
{
	tls_free(server);
	tls_free(client);
	(void)close(fd[0]);
	(void)close(fd[1]);
	server = client = NULL;
}

static void
tear_down(void)
{
	if (server)
		disconnect();
	tls_context_free(inner);
	tls_context_free(outer);
	inner = outer = NULL;
	pki_close(&pki);
}

START_TEST(octets_pass_both_ways)
{
	char got[64];

	inner = minting();
	outer = trusting();
	connect_pair();
	ck_assert_msg(shake(), "%s / %s", tls_why(server), tls_why(client));
	ck_assert_int_eq(tls_send(client, "EHLO c\r\n", 8), 8);
	ck_assert_int_eq(tls_recv(server, got, sizeof(got)), 8);
	ck_assert_int_eq(memcmp(got, "EHLO c\r\n", 8), 0);
	ck_assert_int_eq(tls_send(server, "250 x\r\n", 7), 7);
	ck_assert_int_eq(tls_recv(client, got, sizeof(got)), 7);
	ck_assert_int_eq(memcmp(got, "250 x\r\n", 7), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls");
	TCase *t = tcase_create("tls");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, octets_pass_both_ways);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
