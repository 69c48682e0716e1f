/* What OpenSSL's hellos tell, cut anywhere; and what no hello does. */
#include <check.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/clienthello.h"
#include "record/certificate.h"

static SSL_CTX *contexts[2];		/* of client and server */
static char said[2][16384];		/* by them, in the clear and on */
static size_t n_said[2];

static void
use_certificate(SSL_CTX *context)
{
	struct certificate_term term = { 1, 4102444800 };
	EVP_PKEY *key = certificate_key();
	X509 *ca = certificate_ca("test", key, term);
	X509 *leaf = certificate_leaf("mx.example", key, ca, key, term);

	ck_assert_int_eq(SSL_CTX_use_certificate(context, leaf), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(context, key), 1);
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(key);
}

static void
setup(void)
{
	contexts[0] = SSL_CTX_new(TLS_client_method());
	contexts[1] = SSL_CTX_new(TLS_server_method());
	use_certificate(contexts[1]);
}

static void
teardown(void)
{
	SSL_CTX_free(contexts[0]);
	SSL_CTX_free(contexts[1]);
}

/* Carry what one has said to the other, and keep it. */
static void
carry(SSL *from, SSL *to, int side)
{
	char bytes[4096];
	int n;

	while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0) {
		ck_assert_uint_lt(n_said[side] + (size_t)n, sizeof said[0]);
		memcpy(said[side] + n_said[side], bytes, (size_t)n);
		n_said[side] += (size_t)n;
		ck_assert_int_eq(BIO_write(SSL_get_rbio(to), bytes, n), n);
	}
}

static void
shake_hands(SSL_SESSION *resume, SSL_SESSION **session)
{
	SSL *client = SSL_new(contexts[0]), *server = SSL_new(contexts[1]);
	char octet;

	n_said[0] = n_said[1] = 0;
	SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	SSL_set_tlsext_host_name(client, "mx.example");
	SSL_set_alpn_protos(client, (const unsigned char *)"\4smtp\2h2", 8);
	if (resume)
		SSL_set_session(client, resume);
	for (int i = 0; i < 4; i++) {
		(void)SSL_do_handshake(client);
		carry(client, server, 0);
		(void)SSL_do_handshake(server);
		carry(server, client, 1);
	}
	(void)SSL_read(client, &octet, 1);	/* tickets */
	ck_assert(SSL_is_init_finished(client));
	ck_assert_int_eq(SSL_session_reused(client), resume != NULL);
	if (session)
		*session = SSL_get1_session(client);
	/* a session that was cut off is not resumed */
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client);
	SSL_free(server);
}

/* Read what side said, in pieces of n octets. */
static void
read_side(struct hello *h, int side, size_t n)
{
	struct span all = { said[side], n_said[side] };
	bool told = false;

	*h = (struct hello){ .over = false };
	while (all.n) {
		bool now = hello_read(h, span_cut(&all, all.n < n ? all.n : n));

		ck_assert(!(told && now));
		told |= now;
	}
	ck_assert(told && h->over);
}

static void
expect_span(struct span got, const char *want)
{
	ck_assert_uint_eq(got.n, strlen(want));
	ck_assert(memcmp(got.p, want, got.n) == 0);
}

START_TEST(hellos_tell_the_same_however_they_are_cut)
{
	struct hello_facts f;
	struct hello h;

	shake_hands(NULL, NULL);
	for (size_t n = 1; n < 600; n += n < 40 ? 1 : 97) {
		read_side(&h, 0, n);
		ck_assert(hello_facts(&h, &f) && f.client);
		expect_span(f.sni, "mx.example");
		expect_span(f.alpn, "\4smtp\2h2");
		ck_assert_str_eq(f.versions[0], "TLSv1.3");
		ck_assert_str_eq(f.versions[1], "TLSv1.2");
		ck_assert_uint_ge(f.n_versions, 2);
		read_side(&h, 1, n);
		ck_assert(hello_facts(&h, &f) && !f.client);
		ck_assert_str_eq(f.versions[0], "TLSv1.3");
		ck_assert_uint_eq(f.n_versions, 1);
		ck_assert_str_eq(f.cipher, "TLS_AES_256_GCM_SHA384");
		ck_assert_str_eq(f.group, "x25519");
		ck_assert(!f.psk);
	}
}
END_TEST

START_TEST(a_server_of_tls_1_2_names_its_version_in_front)
{
	struct hello_facts f;
	struct hello h;

	SSL_CTX_set_max_proto_version(contexts[1], TLS1_2_VERSION);
	shake_hands(NULL, NULL);
	read_side(&h, 1, 7);
	ck_assert(hello_facts(&h, &f));
	ck_assert_str_eq(f.versions[0], "TLSv1.2");
	ck_assert_str_eq(f.cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
	ck_assert_ptr_null(f.group);
}
END_TEST

START_TEST(a_session_that_is_resumed_says_so)
{
	SSL_SESSION *session;
	struct hello_facts f;
	struct hello h;

	shake_hands(NULL, &session);
	shake_hands(session, NULL);
	read_side(&h, 1, 100);
	ck_assert(hello_facts(&h, &f));
	ck_assert(f.psk);
	SSL_SESSION_free(session);
}
END_TEST

static const struct span others[] = {
	SPAN("EHLO inj\r\n"), SPAN("\x15\3\3\0\2\2\50"), SPAN("\x16\3\1\0\0"),
	SPAN("\x16\3\1\xff\xff\1\0\0\1"), SPAN("\x16\2\1\0\5\1\0\0\1\0"),
	SPAN("\x16\3\1\0\5\13\0\0\1\0"),
};

START_TEST(what_is_no_hello_tells_nothing)
{
	struct hello h = { .over = false };
	struct hello_facts f;

	ck_assert(!hello_read(&h, others[_i]));
	ck_assert(h.over);
	ck_assert(!hello_facts(&h, &f));
}
END_TEST

/* Whatever a length says, spans lie within the message. */
START_TEST(a_hello_with_an_octet_changed_stays_within_itself)
{
	struct hello_facts f;
	struct hello h;

	shake_hands(NULL, NULL);
	for (size_t i = 0; i < 300 && i < n_said[0]; i++) {
		said[0][i] = (char)~said[0][i];
		h = (struct hello){ .over = false };
		(void)hello_read(&h, (struct span){ said[0], n_said[0] });
		if (hello_facts(&h, &f))
			ck_assert(f.sni.n == 0 || (f.sni.p > h.message &&
			    f.sni.p + f.sni.n <= h.message + h.n));
		said[0][i] = (char)~said[0][i];
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("clienthello");
	TCase *tests = tcase_create("hellos");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, hellos_tell_the_same_however_they_are_cut);
	tcase_add_test(tests, a_server_of_tls_1_2_names_its_version_in_front);
	tcase_add_test(tests, a_session_that_is_resumed_says_so);
	tcase_add_loop_test(tests, what_is_no_hello_tells_nothing, 0,
	    sizeof(others) / sizeof(*others));
	tcase_add_test(tests, a_hello_with_an_octet_changed_stays_within_itself);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
