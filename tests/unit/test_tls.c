/* A TLS connection that ends here behaves like a non-blocking socket. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "tests/unit/tlspair.h"

#define BULK	(1 << 20)

static struct tlspair p;
static char sent[BULK], got[BULK];

static void
set_up(void)
{
	tlspair_open(&p);
	tlspair_usual(&p);
	for (size_t i = 0; i < BULK; i++)
		sent[i] = (char)(i * 2654435761u >> 13);
}

static void
tear_down(void)
{
	tlspair_close(&p);
}

static void
passes(struct tls *from, struct tls *to, const char *text)
{
	char octets[64];
	ssize_t n = (ssize_t)strlen(text);

	ck_assert_int_eq(tls_send(from, text, (size_t)n), n);
	ck_assert_int_eq(tls_recv(to, octets, sizeof(octets)), n);
	ck_assert_int_eq(memcmp(octets, text, (size_t)n), 0);
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

START_TEST(octets_pass_both_ways)
{
	tlspair_version(&p, versions[_i]);
	tlspair_talk(&p);
	passes(p.client, p.server, "EHLO c\r\n");
	passes(p.server, p.client, "250 x\r\n");
}
END_TEST

START_TEST(nothing_there_is_eagain)
{
	tlspair_talk(&p);
	errno = 0;
	ck_assert_int_eq(tls_recv(p.server, got, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert(!tls_recv_wants_write(p.server));
	ck_assert(!tls_pending(p.server));
}
END_TEST

START_TEST(what_came_with_the_handshake_is_pending)
{
	tlspair_version(&p, TLS1_3_VERSION);
	tlspair_connect(&p, TLSPAIR_HOST);
	(void)tls_handshake(p.client);
	(void)tls_handshake(p.server);
	ck_assert_int_eq(tls_handshake(p.client), TLS_DONE);
	ck_assert_int_eq(tls_send(p.client, "EHLO c\r\n", 8), 8);
	ck_assert_int_eq(tls_handshake(p.server), TLS_DONE);
	ck_assert(tls_pending(p.server));
	ck_assert_int_eq(tls_recv(p.server, got, 64), 8);
	ck_assert(!tls_pending(p.server));
}
END_TEST

START_TEST(what_the_buffer_does_not_hold_is_pending)
{
	tlspair_talk(&p);
	ck_assert_int_eq(tls_send(p.client, sent, 20000), 20000);
	for (ssize_t at = 0; at < 20000; at += 5000) {
		ck_assert_int_eq(tls_recv(p.server, got + at, 5000), 5000);
		ck_assert(tls_pending(p.server));
	}
	ck_assert_int_eq(memcmp(got, sent, 20000), 0);
	ck_assert_int_eq(tls_recv(p.server, got, 1), -1);
	ck_assert(!tls_pending(p.server));
}
END_TEST

/* What was sent stands elsewhere in memory each time, and more comes to it. */
static size_t
send_moving(size_t at)
{
	size_t n = BULK - at;
	char *copy;
	ssize_t taken;

	if (n > 70000)
		n = 70000;
	copy = malloc(n);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, sent + at, n);
	taken = tls_send(p.client, copy, n);
	free(copy);
	ck_assert(taken > 0 || errno == EAGAIN);
	return taken > 0 ? (size_t)taken : 0;
}

START_TEST(what_a_full_socket_does_not_take_goes_later)
{
	size_t at = 0, end = 0;
	bool was_full = false;
	int small = 4096;

	tlspair_version(&p, versions[_i]);
	tlspair_talk(&p);
	ck_assert_int_eq(setsockopt(p.fd[1], SOL_SOCKET, SO_SNDBUF, &small,
	    sizeof(small)), 0);
	while (end < BULK) {
		size_t taken = at < BULK ? send_moving(at) : 0;
		ssize_t n;

		was_full |= taken == 0 && at < BULK;
		at += taken;
		n = tls_recv(p.server, got + end, BULK - end);
		ck_assert(n > 0 || errno == EAGAIN);
		end += n > 0 ? (size_t)n : 0;
	}
	ck_assert(was_full);
	ck_assert_int_eq(memcmp(got, sent, BULK), 0);
}
END_TEST

START_TEST(close_notify_is_the_end_of_one_stream)
{
	tlspair_version(&p, versions[_i]);
	tlspair_talk(&p);
	ck_assert_int_eq(tls_send(p.client, "QUIT\r\n", 6), 6);
	tls_end(p.client);
	ck_assert_int_eq(tls_recv(p.server, got, 64), 6);
	ck_assert(tls_pending(p.server));
	ck_assert_int_eq(tls_recv(p.server, got, 64), 0);
	ck_assert_int_eq(tls_recv(p.server, got, 64), 0);
	ck_assert(!tls_cut(p.server));
	passes(p.server, p.client, "221 bye\r\n");
}
END_TEST

START_TEST(an_end_without_close_notify_is_told)
{
	tlspair_version(&p, versions[_i]);
	tlspair_talk(&p);
	ck_assert_int_eq(tls_send(p.client, "QUIT\r\n", 6), 6);
	ck_assert_int_eq(shutdown(p.fd[1], SHUT_WR), 0);
	ck_assert_int_eq(tls_recv(p.server, got, 64), 6);
	ck_assert_int_eq(tls_recv(p.server, got, 64), 0);
	ck_assert(tls_cut(p.server));
	passes(p.server, p.client, "221 bye\r\n");
}
END_TEST

START_TEST(a_socket_error_is_told_as_it_is)
{
	tlspair_talk(&p);
	ck_assert_int_eq(tls_send(p.server, "x", 1), 1);
	(void)close(p.fd[1]);	/* unread octets: a reset */
	p.fd[1] = -1;
	ck_assert_int_eq(tls_recv(p.server, got, 64), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_str_eq(tls_why(p.server), "Connection reset by peer");
	ck_assert_int_eq(tls_recv(p.server, got, 64), -1);
	ck_assert_int_eq(tls_send(p.server, "y", 1), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

START_TEST(damaged_octets_are_a_protocol_error)
{
	tlspair_talk(&p);
	ck_assert_int_eq(send(p.fd[1], "\x17\x03\x03\0\x20"
	    "0123456789abcdef0123456789abcdef", 37, 0), 37);
	ck_assert_int_eq(tls_recv(p.server, got, 64), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_str_ne(tls_why(p.server), "");
}
END_TEST

START_TEST(what_came_before_the_damage_is_still_given)
{
	tlspair_talk(&p);
	ck_assert_int_eq(tls_send(p.client, "NOOP\r\n", 6), 6);
	ck_assert_int_eq(send(p.fd[1], "\x17\x03\x03\0\x20"
	    "0123456789abcdef0123456789abcdef", 37, 0), 37);
	ck_assert_int_eq(tls_recv(p.server, got, 64), 6);
	ck_assert(tls_pending(p.server));
	ck_assert_int_eq(tls_recv(p.server, got, 64), -1);
	ck_assert_int_eq(errno, EPROTO);
}
END_TEST

START_TEST(renegotiation_is_refused)
{
	tlspair_version(&p, TLS1_2_VERSION);
	(void)SSL_CTX_clear_options(p.of_client->ctx, SSL_OP_NO_RENEGOTIATION);
	tlspair_talk(&p);
	ck_assert_int_eq(SSL_renegotiate(p.client->ssl), 1);
	(void)SSL_do_handshake(p.client->ssl);		/* says hello again */
	ck_assert_int_eq(tls_recv(p.server, got, 64), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_ne(SSL_do_handshake(p.client->ssl), 1);
	ck_assert_int_eq(ERR_GET_REASON(ERR_peek_error()),
	    SSL_R_NO_RENEGOTIATION);
	ck_assert_int_eq(SSL_num_renegotiations(p.server->ssl), 0);
}
END_TEST

/* RFC 8446 4.6.3: a side may have to answer while it only wants to read. */
START_TEST(new_keys_do_not_disturb)
{
	tlspair_version(&p, TLS1_3_VERSION);
	tlspair_talk(&p);
	ck_assert_int_eq(SSL_key_update(p.client->ssl,
	    SSL_KEY_UPDATE_REQUESTED), 1);
	passes(p.client, p.server, "NOOP\r\n");
	passes(p.server, p.client, "250 x\r\n");
	passes(p.client, p.server, "QUIT\r\n");
}
END_TEST

START_TEST(no_connection_may_be_older_than_tls_1_2)
{
	tlspair_version(&p, TLS1_1_VERSION);
	tlspair_usual(&p);
	(void)SSL_CTX_set_min_proto_version(p.of_client->ctx, TLS1_VERSION);
	(void)SSL_CTX_set_max_proto_version(p.of_client->ctx, TLS1_1_VERSION);
	SSL_CTX_set_security_level(p.of_client->ctx, 0);
	SSL_CTX_set_security_level(p.of_server->ctx, 0);
	ck_assert(!tlspair_shake(&p, TLSPAIR_HOST));
	ck_assert_str_eq(tls_why(p.server), "no TLS version in common");
	ck_assert_str_eq(tls_why(p.client),
	    "no TLS version in common, says the peer");
}
END_TEST

START_TEST(what_is_not_tls_is_named)
{
	tlspair_connect(&p, TLSPAIR_HOST);
	ck_assert_int_eq(send(p.fd[1], "EHLO injected.example\r\n", 23, 0), 23);
	ck_assert_int_eq(tls_handshake(p.server), TLS_FAILED);
	ck_assert_str_eq(tls_why(p.server), "the peer does not speak TLS");
}
END_TEST

/* Above all, nothing in the clear. */
START_TEST(after_a_failed_handshake_nothing_is_sent_or_received)
{
	tlspair_connect(&p, TLSPAIR_HOST);
	ck_assert_int_eq(send(p.fd[1], "EHLO injected.example\r\n", 23, 0), 23);
	ck_assert_int_eq(tls_handshake(p.server), TLS_FAILED);
	while (recv(p.fd[1], got, sizeof(got), 0) > 0)
		;	/* the alert */
	ck_assert_int_eq(tls_send(p.server, "421 x\r\n", 7), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_int_eq(tls_recv(p.server, got, 64), -1);
	ck_assert_int_eq(errno, EPROTO);
	tls_end(p.server);
	ck_assert_int_eq(recv(p.fd[1], got, sizeof(got), 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(a_web_browser_is_named)
{
	tlspair_connect(&p, TLSPAIR_HOST);
	ck_assert_int_eq(send(p.fd[1], "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	ck_assert_int_eq(tls_handshake(p.server), TLS_FAILED);
	ck_assert_str_eq(tls_why(p.server), "the peer speaks HTTP");
}
END_TEST

START_TEST(a_peer_that_leaves_is_told)
{
	tlspair_connect(&p, TLSPAIR_HOST);
	ck_assert_int_eq(tls_handshake(p.client), TLS_WANTS_READ);
	ck_assert_int_eq(shutdown(p.fd[0], SHUT_WR), 0);
	ck_assert_int_eq(tls_handshake(p.client), TLS_FAILED);
	ck_assert_str_eq(tls_why(p.client),
	    "the peer has closed the connection");
}
END_TEST

START_TEST(a_timeout_says_what_the_peer_did)
{
	tlspair_connect(&p, TLSPAIR_HOST);
	ck_assert_int_eq(tls_handshake(p.client), TLS_WANTS_READ);
	tls_time_out(p.client);
	ck_assert_str_eq(tls_why(p.client), "the TLS handshake timed out: "
	    "the peer has sent nothing");
	ck_assert_int_eq(tls_handshake(p.server), TLS_WANTS_READ);
	tls_time_out(p.server);
	ck_assert_str_eq(tls_why(p.server), "the TLS handshake timed out: "
	    "the peer has stopped in the middle");
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
	tcase_add_loop_test(t, octets_pass_both_ways, 0, 2);
	tcase_add_test(t, nothing_there_is_eagain);
	tcase_add_test(t, what_came_with_the_handshake_is_pending);
	tcase_add_test(t, what_the_buffer_does_not_hold_is_pending);
	tcase_add_loop_test(t, what_a_full_socket_does_not_take_goes_later, 0,
	    2);
	tcase_add_loop_test(t, close_notify_is_the_end_of_one_stream, 0, 2);
	tcase_add_loop_test(t, an_end_without_close_notify_is_told, 0, 2);
	tcase_add_test(t, a_socket_error_is_told_as_it_is);
	tcase_add_test(t, damaged_octets_are_a_protocol_error);
	tcase_add_test(t, what_came_before_the_damage_is_still_given);
	tcase_add_test(t, renegotiation_is_refused);
	tcase_add_test(t, new_keys_do_not_disturb);
	tcase_add_test(t, no_connection_may_be_older_than_tls_1_2);
	tcase_add_test(t, what_is_not_tls_is_named);
	tcase_add_test(t,
	    after_a_failed_handshake_nothing_is_sent_or_received);
	tcase_add_test(t, a_web_browser_is_named);
	tcase_add_test(t, a_peer_that_leaves_is_told);
	tcase_add_test(t, a_timeout_says_what_the_peer_did);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
