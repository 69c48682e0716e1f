/* What a context is made of, and what its connections then insist on. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/certificate.h"
#include "tests/unit/tlspair.h"

static struct tlspair p;
static struct tls_facts facts;

static void
set_up(void)
{
	tlspair_open(&p);
	tlspair_usual(&p);
}

static void
tear_down(void)
{
	tlspair_close(&p);
}

static void
serve_leaf(const char *name, int from, int until)
{
	X509_free(pki_leaf(&p.pki, "leaf.pem", name, from, until));
	tlspair_serve_file(&p, "leaf.pem");
}

/* The client does not connect, and says this; the server was told so. */
static void
is_refused(const char *why)
{
	ck_assert(!tlspair_shake(&p, TLSPAIR_HOST));
	ck_assert_str_eq(tls_why(p.client), why);
	ck_assert_int_eq(strncmp(tls_why(p.server), "alert received: ", 16), 0);
}

START_TEST(a_good_certificate_is_told)
{
	serve_leaf(TLSPAIR_HOST, -1, 1);
	tlspair_talk(&p);
	tls_facts(p.client, &facts);
	ck_assert_int_eq(facts.verdict, TLS_GOOD);
	ck_assert_str_eq(facts.reason, "");
	ck_assert_str_eq(facts.name, TLSPAIR_HOST);
}
END_TEST

START_TEST(a_wrong_name_is_refused)
{
	serve_leaf("a.example", -1, 1);
	is_refused("the certificate is for a.example, not mx.example "
	    "(depth 0)");
}
END_TEST

START_TEST(a_name_has_any_case)
{
	serve_leaf("MX.Example", -1, 1);
	tlspair_talk(&p);
}
END_TEST

START_TEST(a_name_may_end_with_a_dot)
{
	serve_leaf(TLSPAIR_HOST, -1, 1);
	ck_assert(tlspair_shake(&p, "mx.example."));
	tls_facts(p.server, &facts);
	ck_assert_str_eq(facts.sni, TLSPAIR_HOST);
}
END_TEST

START_TEST(a_wildcard_is_one_label)
{
	serve_leaf("*.mx.example", -1, 1);
	ck_assert(tlspair_shake(&p, "a.mx.example"));
	ck_assert(!tlspair_shake(&p, "a.b.mx.example"));
	ck_assert_str_eq(tls_why(p.client), "the certificate is for "
	    "*.mx.example, not a.b.mx.example (depth 0)");
}
END_TEST

START_TEST(an_address_is_looked_for_as_one)
{
	serve_leaf("192.0.2.1", -1, 1);
	ck_assert(tlspair_shake(&p, "192.0.2.1"));
	ck_assert(!tlspair_shake(&p, "192.0.2.2"));
	ck_assert_str_eq(tls_why(p.client), "the certificate is for "
	    "192.0.2.1, not 192.0.2.2 (depth 0)");
}
END_TEST

START_TEST(an_expired_certificate_is_refused)
{
	char why[TLS_ERROR], date[64];
	time_t until = time(NULL) - PKI_DAY;
	struct tm tm;

	serve_leaf(TLSPAIR_HOST, -2, -1);
	ck_assert(!tlspair_shake(&p, TLSPAIR_HOST));
	(void)strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&until, &tm));
	(void)snprintf(why, sizeof(why),
	    "the certificate of mx.example expired on %s", date);
	ck_assert_msg(strstr(tls_why(p.client), why) == tls_why(p.client),
	    "%s", tls_why(p.client));
	ck_assert_ptr_nonnull(strstr(tls_why(p.client), " UTC (depth 0)"));
	ck_assert_str_eq(tls_why(p.server),
	    "alert received: certificate expired");
}
END_TEST

START_TEST(a_certificate_of_tomorrow_is_refused)
{
	serve_leaf(TLSPAIR_HOST, 1, 2);
	ck_assert(!tlspair_shake(&p, TLSPAIR_HOST));
	ck_assert_ptr_nonnull(strstr(tls_why(p.client),
	    "the certificate of mx.example is not valid before "));
}
END_TEST

START_TEST(a_self_signed_certificate_is_refused)
{
	pki_self_signed(&p.pki, "self.pem", TLSPAIR_HOST);
	tlspair_serve_file(&p, "self.pem");
	is_refused("the certificate of mx.example is self-signed (depth 0)");
}
END_TEST

START_TEST(a_self_signed_certificate_can_be_trusted)
{
	pki_self_signed(&p.pki, "self.pem", TLSPAIR_HOST);
	tlspair_serve_file(&p, "self.pem");
	tlspair_ask(&p, (struct tls_options){
	    .ca_file = pki_path(&p.pki, "self.pem") });
	tlspair_talk(&p);
}
END_TEST

START_TEST(an_unknown_ca_is_refused)
{
	tlspair_ask(&p, (struct tls_options){ .ca_file = NULL });
	is_refused("the certificate of mx.example is of the unknown CA "
	    "\"Test CA\" (depth 0)");
}
END_TEST

static void
ask_with_crl(X509 *revoked)
{
	pki_crl(&p.pki, "crl.pem", revoked);
	tlspair_ask(&p, (struct tls_options){
	    .ca_file = pki_path(&p.pki, "ca.pem"),
	    .crl = pki_path(&p.pki, "crl.pem") });
}

START_TEST(a_revoked_certificate_is_refused)
{
	X509 *leaf = pki_leaf(&p.pki, "leaf.pem", TLSPAIR_HOST, -1, 1);

	tlspair_serve_file(&p, "leaf.pem");
	ask_with_crl(leaf);
	X509_free(leaf);
	is_refused("the certificate of mx.example has been revoked by "
	    "\"Test CA\" (depth 0)");
}
END_TEST

START_TEST(a_certificate_that_is_not_on_the_crl_is_good)
{
	serve_leaf(TLSPAIR_HOST, -1, 1);
	ask_with_crl(NULL);
	tlspair_talk(&p);
}
END_TEST

/* Whether it is revoked cannot be known: it is not taken for good. */
START_TEST(an_issuer_without_a_crl_is_refused)
{
	pki_self_signed(&p.pki, "self.pem", TLSPAIR_HOST);
	tlspair_serve_file(&p, "self.pem");
	pki_crl(&p.pki, "crl.pem", NULL);
	tlspair_ask(&p, (struct tls_options){
	    .ca_file = pki_path(&p.pki, "self.pem"),
	    .crl = pki_path(&p.pki, "crl.pem") });
	is_refused("the certificate of mx.example: tls-crl has no CRL of "
	    "\"mx.example\" (depth 0)");
}
END_TEST

START_TEST(opportunistic_tells_but_does_not_refuse)
{
	serve_leaf("a.example", -2, -1);
	tlspair_ask(&p, (struct tls_options){
	    .verify = TLS_OPPORTUNISTIC,
	    .ca_file = pki_path(&p.pki, "ca.pem") });
	for (int resumed = 0; resumed < 2; resumed++) {
		tlspair_talk(&p);
		tls_facts(p.client, &facts);
		ck_assert_int_eq(facts.resumed, resumed);
		ck_assert_int_eq(facts.verdict, TLS_BAD);
	}
}
END_TEST

START_TEST(the_first_fault_is_the_one_that_is_told)
{
	serve_leaf("a.example", -1, 1);
	tlspair_ask(&p, (struct tls_options){
	    .verify = TLS_OPPORTUNISTIC,
	    .ca_file = pki_path(&p.pki, "ca.pem") });
	tlspair_talk(&p);
	tls_facts(p.client, &facts);
	ck_assert_str_eq(facts.reason, "the certificate is for a.example, "
	    "not mx.example (depth 0)");
	ck_assert_str_eq(tls_why(p.client), "");
}
END_TEST

START_TEST(none_looks_at_nothing)
{
	serve_leaf("a.example", -2, -1);
	tlspair_ask(&p, (struct tls_options){ .verify = TLS_NONE });
	tlspair_talk(&p);
	tls_facts(p.client, &facts);
	ck_assert_int_eq(facts.verdict, TLS_UNASKED);
	ck_assert_uint_eq(facts.n_chain, 1);
}
END_TEST

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* Each connection leaves what the next one resumes with. */
START_TEST(sessions_are_resumed_on_both_sides)
{
	tlspair_version(&p, versions[_i]);
	for (int before = 0; before < 3; before++) {
		tlspair_talk(&p);
		tls_facts(p.client, &facts);
		ck_assert_int_eq(facts.resumed, before > 0);
		ck_assert_int_eq(facts.verdict, TLS_GOOD);
		ck_assert_uint_eq(facts.n_chain, 1);
		tls_facts(p.server, &facts);
		ck_assert_int_eq(facts.resumed, before > 0);
	}
}
END_TEST

START_TEST(a_session_is_of_one_host)
{
	tlspair_version(&p, versions[_i]);
	tlspair_talk(&p);
	ck_assert(tlspair_shake(&p, "other.example"));
	tls_facts(p.client, &facts);
	ck_assert(!facts.resumed);
}
END_TEST

/* Postfix 20260805: a ticket of one service was taken by another. */
START_TEST(a_session_is_of_one_listener)
{
	tlspair_version(&p, versions[_i]);
	tlspair_talk(&p);
	tlspair_serve(&p, (struct tls_options){
	    .listener = "another", .ca_cert = pki_path(&p.pki, "ca.pem"),
	    .ca_key = pki_path(&p.pki, "ca.key") });
	tlspair_talk(&p);
	tls_facts(p.client, &facts);
	ck_assert(!facts.resumed);
}
END_TEST

START_TEST(facts_say_what_was_agreed)
{
	tlspair_version(&p, TLS1_3_VERSION);
	tlspair_talk(&p);
	tls_facts(p.server, &facts);
	ck_assert_str_eq(facts.version, "TLSv1.3");
	ck_assert_str_eq(facts.cipher, "TLS_AES_256_GCM_SHA384");
	ck_assert_str_eq(facts.group, "x25519");
	ck_assert_str_eq(facts.sni, TLSPAIR_HOST);
	ck_assert_str_eq(facts.alpn, "");
	ck_assert_int_eq(facts.verdict, TLS_UNASKED);
	ck_assert_uint_eq(facts.n_chain, 0);
	ck_assert_int_gt(facts.handshake_ns, 0);
}
END_TEST

START_TEST(an_offer_of_protocols_is_told_and_not_taken)
{
	const unsigned char *taken;
	unsigned n;

	ck_assert_int_eq(SSL_CTX_set_alpn_protos(p.of_client->ctx,
	    (const unsigned char *)"\2h2\5a\0b\x80z", 9), 0);
	tlspair_talk(&p);
	tls_facts(p.server, &facts);
	ck_assert_str_eq(facts.alpn, "h2,a?b?z");
	SSL_get0_alpn_selected(p.client->ssl, &taken, &n);
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(a_long_offer_of_protocols_is_cut)
{
	unsigned char offer[4096];

	for (size_t i = 0; i < sizeof(offer); i++)
		offer[i] = i % 256 ? 'x' : 255;
	ck_assert_int_eq(SSL_CTX_set_alpn_protos(p.of_client->ctx, offer,
	    sizeof(offer)), 0);
	tlspair_talk(&p);
	tls_facts(p.server, &facts);
	ck_assert_uint_eq(strlen(facts.alpn), TLS_HOST_MAX - 1);
}
END_TEST

START_TEST(the_chain_is_given_as_pem)
{
	unsigned char sha256[32];
	char pem[TLS_PEM_MAX], of_file[TLS_PEM_MAX];
	X509 *leaf = pki_leaf(&p.pki, "leaf.pem", TLSPAIR_HOST, -1, 1);

	tlspair_serve_file(&p, "leaf.pem");
	tlspair_talk(&p);
	tls_facts(p.client, &facts);
	ck_assert(certificate_fingerprint(leaf, sha256));
	ck_assert_uint_eq(facts.n_chain, 1);
	ck_assert_mem_eq(facts.sha256[0], sha256, 32);
	ck_assert_uint_gt(tls_chain_pem(p.client, 0, pem), 0);
	(void)certificate_pem(leaf, of_file, sizeof(of_file));
	ck_assert_str_eq(pem, of_file);
	ck_assert_uint_eq(tls_chain_pem(p.client, 1, pem), 0);
	X509_free(leaf);
}
END_TEST

static void
ask_clients(void)
{
	tlspair_serve(&p, (struct tls_options){
	    .ca_cert = pki_path(&p.pki, "ca.pem"),
	    .ca_key = pki_path(&p.pki, "ca.key"),
	    .client_ca = pki_path(&p.pki, "ca.pem") });
}

static void
show_certificate(const char *file)
{
	tlspair_ask(&p, (struct tls_options){
	    .ca_file = pki_path(&p.pki, "ca.pem"),
	    .client_cert = pki_path(&p.pki, file),
	    .client_key = pki_path(&p.pki, "key.pem") });
}

START_TEST(a_client_may_have_no_certificate)
{
	ask_clients();
	tlspair_version(&p, versions[_i]);
	tlspair_talk(&p);
	tls_facts(p.server, &facts);
	ck_assert_int_eq(facts.verdict, TLS_ABSENT);
}
END_TEST

START_TEST(a_clients_certificate_is_told)
{
	X509_free(pki_leaf(&p.pki, "client.pem", "client.example", -1, 1));
	ask_clients();
	show_certificate("client.pem");
	tlspair_version(&p, versions[_i]);
	for (int resumed = 0; resumed < 2; resumed++) {
		tlspair_talk(&p);
		tls_facts(p.server, &facts);
		ck_assert_int_eq(facts.resumed, resumed);
		ck_assert_int_eq(facts.verdict, TLS_GOOD);
		ck_assert_str_eq(facts.name, "client.example");
		ck_assert_uint_eq(facts.n_chain, 1);
	}
}
END_TEST

START_TEST(a_bad_certificate_of_a_client_is_told_but_not_refused)
{
	pki_self_signed(&p.pki, "self.pem", "client.example");
	ask_clients();
	show_certificate("self.pem");
	tlspair_talk(&p);
	tls_facts(p.server, &facts);
	ck_assert_int_eq(facts.verdict, TLS_BAD);
	ck_assert_str_eq(facts.reason,
	    "the client's certificate is self-signed (depth 0)");
}
END_TEST

START_TEST(a_minted_certificate_is_for_the_name_asked_for)
{
	ck_assert(tlspair_shake(&p, "one.example"));
	tls_facts(p.client, &facts);
	ck_assert_str_eq(facts.name, "one.example");
	ck_assert_int_eq(facts.verdict, TLS_GOOD);
}
END_TEST

/* Else a client that asks for none would have none to look at. */
START_TEST(a_minted_certificate_is_for_the_name_set)
{
	tlspair_connect(&p, "192.0.2.1");
	tls_set_name(p.server, "192.0.2.1");
	ck_assert(tlspair_handshake(&p));
	tls_facts(p.client, &facts);
	ck_assert_str_eq(facts.name, "192.0.2.1");
}
END_TEST

START_TEST(without_any_name_nothing_is_minted)
{
	ck_assert(!tlspair_shake(&p, "192.0.2.1"));
	ck_assert_str_eq(tls_why(p.server),
	    "no name to make a certificate for");
}
END_TEST

START_TEST(secrets_are_appended_to_a_file)
{
	const char *path = pki_path(&p.pki, "keys");
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char line[1024];
	FILE *f;

	tls_context_log_keys(p.of_client, fd);
	tlspair_talk(&p);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_ptr_nonnull(strstr(line, "SECRET"));
	ck_assert_ptr_nonnull(strchr(line, '\n'));
	(void)fclose(f);
	(void)close(fd);
}
END_TEST

/* Which option names which file, what is in it, and what is said of it. */
static const struct {
	enum smtp_side side;
	const char *cert, *key, *ca_cert, *ca_key, *client_ca, *ca_file, *crl;
	const char *error;
} mistakes[] = {
	{ .cert = "absent", .key = "key.pem",
	    .error = "absent cannot be read: No such file or directory" },
	{ .cert = "text", .key = "key.pem",
	    .error = "text holds no certificate in PEM" },
	{ .cert = "half", .key = "key.pem",
	    .error = "half holds a damaged certificate: " },
	{ .cert = "leaf.pem", .key = "text",
	    .error = "text holds no private key in PEM" },
	{ .cert = "leaf.pem", .key = "leaf.pem",
	    .error = "leaf.pem holds no private key in PEM" },
	{ .cert = "leaf.pem", .key = "locked",
	    .error = "locked holds a private key under a passphrase" },
	{ .cert = "leaf.pem", .key = "ca.key",
	    .error = "ca.key is not the key of the certificate in " },
	{ .ca_cert = "leaf.pem", .ca_key = "key.pem",
	    .error = "leaf.pem: is not that of a CA" },
	{ .ca_cert = "ca.pem", .ca_key = "key.pem",
	    .error = "key.pem is not the key of the certificate in " },
	{ .ca_cert = "ca.pem", .ca_key = "ca.key", .client_ca = "text",
	    .error = "text holds no certificate in PEM" },
	{ SMTP_SERVER, .ca_file = "absent",
	    .error = "absent cannot be read: No such file or directory" },
	{ SMTP_SERVER, .ca_file = "text",
	    .error = "text holds no certificate in PEM" },
	{ SMTP_SERVER, .ca_file = "ca.pem", .crl = "absent",
	    .error = "absent: No such file or directory" },
	{ SMTP_SERVER, .ca_file = "ca.pem", .crl = "ca.pem",
	    .error = "ca.pem: holds no CRL in PEM" },
};

/* Of a string that stays. */
static const char *
path_of(const char *file)
{
	static char paths[8][128];
	static unsigned next;

	if (!file)
		return NULL;
	next = (next + 1) % 8;
	(void)snprintf(paths[next], sizeof(paths[0]), "%s/%s", p.pki.folder,
	    file);
	return paths[next];
}

START_TEST(a_mistake_names_the_file_and_the_reason)
{
	char error[TLS_ERROR];
	struct tls_options o = {
		.listener = "test",
		.cert = path_of(mistakes[_i].cert),
		.key = path_of(mistakes[_i].key),
		.ca_cert = path_of(mistakes[_i].ca_cert),
		.ca_key = path_of(mistakes[_i].ca_key),
		.client_ca = path_of(mistakes[_i].client_ca),
		.ca_file = path_of(mistakes[_i].ca_file),
		.crl = path_of(mistakes[_i].crl),
	};

	X509_free(pki_leaf(&p.pki, "leaf.pem", TLSPAIR_HOST, -1, 1));
	pki_write(&p.pki, "text", "tls-cert = me\n");
	pki_write(&p.pki, "half", "-----BEGIN CERTIFICATE-----\nMIIB\n");
	pki_write(&p.pki, "locked", "-----BEGIN EC PRIVATE KEY-----\n"
	    "Proc-Type: 4,ENCRYPTED\n"
	    "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
	    "AAAA\n-----END EC PRIVATE KEY-----\n");
	ck_assert_ptr_null(tls_context_new(mistakes[_i].side, &o, error));
	ck_assert_msg(strstr(error, mistakes[_i].error) &&
	    strstr(error, p.pki.folder) == error, "%s", error);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls_context");
	TCase *t = tcase_create("tls_context");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_good_certificate_is_told);
	tcase_add_test(t, a_wrong_name_is_refused);
	tcase_add_test(t, a_name_has_any_case);
	tcase_add_test(t, a_name_may_end_with_a_dot);
	tcase_add_test(t, a_wildcard_is_one_label);
	tcase_add_test(t, an_address_is_looked_for_as_one);
	tcase_add_test(t, an_expired_certificate_is_refused);
	tcase_add_test(t, a_certificate_of_tomorrow_is_refused);
	tcase_add_test(t, a_self_signed_certificate_is_refused);
	tcase_add_test(t, a_self_signed_certificate_can_be_trusted);
	tcase_add_test(t, an_unknown_ca_is_refused);
	tcase_add_test(t, a_revoked_certificate_is_refused);
	tcase_add_test(t, a_certificate_that_is_not_on_the_crl_is_good);
	tcase_add_test(t, an_issuer_without_a_crl_is_refused);
	tcase_add_test(t, opportunistic_tells_but_does_not_refuse);
	tcase_add_test(t, the_first_fault_is_the_one_that_is_told);
	tcase_add_test(t, none_looks_at_nothing);
	tcase_add_loop_test(t, sessions_are_resumed_on_both_sides, 0, 2);
	tcase_add_loop_test(t, a_session_is_of_one_host, 0, 2);
	tcase_add_loop_test(t, a_session_is_of_one_listener, 0, 2);
	tcase_add_test(t, facts_say_what_was_agreed);
	tcase_add_test(t, an_offer_of_protocols_is_told_and_not_taken);
	tcase_add_test(t, a_long_offer_of_protocols_is_cut);
	tcase_add_test(t, the_chain_is_given_as_pem);
	tcase_add_loop_test(t, a_client_may_have_no_certificate, 0, 2);
	tcase_add_loop_test(t, a_clients_certificate_is_told, 0, 2);
	tcase_add_test(t, a_bad_certificate_of_a_client_is_told_but_not_refused);
	tcase_add_test(t, a_minted_certificate_is_for_the_name_asked_for);
	tcase_add_test(t, a_minted_certificate_is_for_the_name_set);
	tcase_add_test(t, without_any_name_nothing_is_minted);
	tcase_add_test(t, secrets_are_appended_to_a_file);
	tcase_add_loop_test(t, a_mistake_names_the_file_and_the_reason, 0,
	    (int)(sizeof(mistakes) / sizeof(mistakes[0])));
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
