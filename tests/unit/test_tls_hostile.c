/* Peers that break off, stammer or lie in the handshake end in a sentence. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/tlspair.h"

static struct tlspair p;
static int wire[2];	/* behind the sockets of the server and the client */
static char octets[65536];

/* Each end has a socket pair of its own, so that the test is the network. */
static void
set_up(void)
{
	tlspair_open(&p);
	tlspair_usual(&p);
}

static void
connect_apart(void)
{
	int pair[2];

	tlspair_connect(&p, TLSPAIR_HOST);
	tls_free(p.server);
	tls_free(p.client);
	for (int i = 0; i < 2; i++) {
		(void)close(p.fd[i]);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM |
		    SOCK_NONBLOCK, 0, pair), 0);
		p.fd[i] = pair[0];
		wire[i] = pair[1];
	}
	p.server = tls_accept(p.of_server, p.fd[0]);
	p.client = tls_connect(p.of_client, p.fd[1], TLSPAIR_HOST);
}

static void
disconnect_apart(void)
{
	(void)close(wire[0]);
	(void)close(wire[1]);
}

static void
tear_down(void)
{
	tlspair_close(&p);
}

/* What an end has to say now. */
static size_t
heard(int end)
{
	ssize_t n = recv(wire[end], octets, sizeof(octets), 0);

	ck_assert(n > 0 || errno == EAGAIN);
	return n > 0 ? (size_t)n : 0;
}

static void
say(int end, const char *what, size_t n)
{
	ck_assert_int_eq(send(wire[end], what, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* What one end says goes to the other by so many octets, with a step behind
 * each. The last step. */
static enum tls_step
carry(int from, int to, struct tls *tls, size_t chunk)
{
	size_t n = heard(from);
	enum tls_step step = TLS_WANTS_READ;

	for (size_t at = 0; at < n; at += chunk) {
		say(to, octets + at, n - at < chunk ? n - at : chunk);
		ck_assert(step == TLS_WANTS_READ || step == TLS_WANTS_WRITE);
		step = tls_handshake(tls);
	}
	return step;
}

static const size_t chunks[] = { 1, 2, 3, 5, 100, 1000 };

START_TEST(a_handshake_may_come_in_any_pieces)
{
	enum tls_step client, server;

	tlspair_version(&p, _i % 2 ? TLS1_2_VERSION : TLS1_3_VERSION);
	connect_apart();
	client = tls_handshake(p.client);
	do {
		server = carry(1, 0, p.server, chunks[_i / 2]);
		if (client != TLS_DONE)
			client = carry(0, 1, p.client, chunks[_i / 2]);
	} while (server == TLS_WANTS_READ);
	ck_assert_int_eq(server, TLS_DONE);
	ck_assert_int_eq(client, TLS_DONE);
	disconnect_apart();
}
END_TEST

/* The peer's flight, with one octet changed or the end missing, and then the
 * end. Whether it was taken all the same. */
static bool
believes(struct tls *tls, int end, const char *flight, size_t n)
{
	enum tls_step step;

	say(end, flight, n);
	(void)shutdown(wire[end], SHUT_WR);
	step = tls_handshake(tls);
	ck_assert(step == TLS_DONE || step == TLS_FAILED);
	ck_assert((step == TLS_FAILED) == (tls_why(tls)[0] != '\0'));
	return step == TLS_DONE;
}

static size_t
first_flight(char *flight)
{
	size_t n;

	connect_apart();
	ck_assert_int_eq(tls_handshake(p.client), TLS_WANTS_READ);
	n = heard(1);
	memcpy(flight, octets, n);
	disconnect_apart();
	return n;
}

START_TEST(a_client_that_breaks_off_anywhere_is_told)
{
	static char flight[4096];
	size_t n = first_flight(flight);

	for (size_t cut = 0; cut <= n; cut++) {
		connect_apart();
		ck_assert(!believes(p.server, 0, flight, cut));
		disconnect_apart();
	}
}
END_TEST

/* Some octets do not matter: then it is told that the client has left. */
START_TEST(a_client_that_lies_anywhere_is_told)
{
	static const char flips[] = { 1, (char)0x80, (char)0xff };
	static char flight[4096];
	size_t n = first_flight(flight);

	for (size_t at = 0; at < n; at++) {
		connect_apart();
		flight[at] = (char)(flight[at] ^ flips[_i]);
		ck_assert(!believes(p.server, 0, flight, n));
		flight[at] = (char)(flight[at] ^ flips[_i]);
		disconnect_apart();
	}
}
END_TEST

/* The second flight, of a server that has just been said hello to, with a lie at
 * that octet. False: it is not so long (signatures differ in length). */
static bool
is_believed(size_t at, bool *believed)
{
	static char flight[8192];
	size_t n;

	connect_apart();
	(void)tls_handshake(p.client);
	(void)carry(1, 0, p.server, sizeof(octets));
	n = heard(0);
	ck_assert_uint_lt(n, sizeof(flight));
	memcpy(flight, octets, n);
	*believed = false;
	if (at < n) {
		flight[at] = (char)(flight[at] ^ 0x11);
		*believed = believes(p.client, 1, flight, n);
	}
	disconnect_apart();
	return at < n;
}

START_TEST(a_server_that_lies_is_not_believed)
{
	/* the version of a record means nothing (RFC 8446 5.1) */
	static const unsigned most[] = { 0, 1 };
	unsigned lies = 0;
	bool believed, more = true;

	tlspair_version(&p, _i ? TLS1_3_VERSION : TLS1_2_VERSION);
	for (size_t at = 0; more; at++) {
		more = is_believed(at, &believed);
		lies += believed;
	}
	ck_assert_uint_le(lies, most[_i]);
}
END_TEST

START_TEST(alerts_in_the_handshake_are_told)
{
	connect_apart();
	(void)tls_handshake(p.client);
	say(1, "\x15\x03\x03\0\2\2\x50", 7);
	ck_assert_int_eq(tls_handshake(p.client), TLS_FAILED);
	ck_assert_str_eq(tls_why(p.client), "alert received: internal error");
	disconnect_apart();
}
END_TEST

START_TEST(a_hello_without_end_is_refused)
{
	char record[5 + 16384] = "\x16\x03\x01\x40";
	enum tls_step step = TLS_WANTS_READ;

	memset(record + 5, 0xaa, sizeof(record) - 5);
	memcpy(record + 5, "\1\xff\xff\xff\x03\x03", 6);
	connect_apart();
	for (int i = 0; i < 64 && step == TLS_WANTS_READ; i++) {
		say(0, record, sizeof(record));
		step = tls_handshake(p.server);
	}
	ck_assert_int_eq(step, TLS_FAILED);
	ck_assert_str_eq(tls_why(p.server), "excessive message size");
	disconnect_apart();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls_hostile");
	TCase *t = tcase_create("tls_hostile");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_handshake_may_come_in_any_pieces, 0,
	    2 * (int)(sizeof(chunks) / sizeof(chunks[0])));
	tcase_add_test(t, a_client_that_breaks_off_anywhere_is_told);
	tcase_add_loop_test(t, a_client_that_lies_anywhere_is_told, 0, 3);
	tcase_add_loop_test(t, a_server_that_lies_is_not_believed, 0, 2);
	tcase_add_test(t, alerts_in_the_handshake_are_told);
	tcase_add_test(t, a_hello_without_end_is_refused);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
