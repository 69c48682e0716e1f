/* The TLS options of a listener: which go together, and what they make. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/config.h"
#include "proxy/keylog.h"
#include "proxy/listener_tls.h"
#include "tests/unit/pki.h"

#define LISTENER "record { file = none }\nlistener \"mx\" {\n" \
	"listen = {\"127.0.0.1:0\"}\nupstream = \"mx.test:26\"\n"

static struct pki pki;
static struct config_report report;
static char error[OPTIONS_ERROR];

static void
set_up(void)
{
	pki_open(&pki);
	X509_free(pki_leaf(&pki, "cert.pem", "mx.test", -1, 9));
	pki_self_signed(&pki, "other.pem", "other.test");
	pki_crl(&pki, "crl.pem", NULL);
	pki_write(&pki, "text.pem", "no PEM\n");
}

static void
tear_down(void)
{
	pki_close(&pki);
}

/* --- which go together --------------------------------------------------- */

#define TLS(mode)	LISTENER_TLS_##mode
#define IMPLICIT(side)	LISTENER_IMPLICIT_##side

static const struct {
	enum listener_tls tls;
	enum listener_implicit implicit;
	const char *key;	/* to blame without a certificate; NULL: none */
	bool with_one;		/* it is right with a certificate */
} modes[] = {
	{ TLS(PASSTHROUGH), IMPLICIT(NO), NULL, false },
	{ TLS(STRIP), IMPLICIT(NO), NULL, false },
	{ TLS(BRIDGE), IMPLICIT(NO), "tls", true },
	{ TLS(TERMINATE), IMPLICIT(NO), "tls", true },
	{ TLS(ORIGINATE), IMPLICIT(NO), NULL, false },
	{ TLS(REQUIRE), IMPLICIT(NO), "tls", true },
	{ TLS(PASSTHROUGH), IMPLICIT(CLIENT), "implicit-tls", true },
	{ TLS(STRIP), IMPLICIT(CLIENT), "implicit-tls", true },
	{ TLS(ORIGINATE), IMPLICIT(CLIENT), "implicit-tls", true },
	{ TLS(PASSTHROUGH), IMPLICIT(UPSTREAM), NULL, false },
	{ TLS(STRIP), IMPLICIT(UPSTREAM), NULL, false },
	{ TLS(TERMINATE), IMPLICIT(UPSTREAM), "tls", true },
	{ TLS(PASSTHROUGH), IMPLICIT(BOTH), "implicit-tls", true },
	{ TLS(STRIP), IMPLICIT(BOTH), "implicit-tls", true },
	{ TLS(BRIDGE), IMPLICIT(CLIENT), "implicit-tls", false },
	{ TLS(TERMINATE), IMPLICIT(CLIENT), "implicit-tls", false },
	{ TLS(REQUIRE), IMPLICIT(CLIENT), "implicit-tls", false },
	{ TLS(BRIDGE), IMPLICIT(UPSTREAM), "implicit-tls", false },
	{ TLS(ORIGINATE), IMPLICIT(UPSTREAM), "implicit-tls", false },
	{ TLS(REQUIRE), IMPLICIT(UPSTREAM), "implicit-tls", false },
	{ TLS(BRIDGE), IMPLICIT(BOTH), "implicit-tls", false },
	{ TLS(TERMINATE), IMPLICIT(BOTH), "implicit-tls", false },
	{ TLS(ORIGINATE), IMPLICIT(BOTH), "implicit-tls", false },
	{ TLS(REQUIRE), IMPLICIT(BOTH), "implicit-tls", false },
};

START_TEST(a_mode_has_the_certificate_it_needs_and_no_other)
{
	struct options o = { .tls = modes[_i].tls,
	    .implicit_tls = modes[_i].implicit };
	struct listener_tls_fault fault = { NULL, "" };

	ck_assert_int_eq(listener_tls_check(&o, &fault), modes[_i].key == NULL);
	if (modes[_i].key)
		ck_assert_str_eq(fault.key, modes[_i].key);
	o.tls_cert = "x";
	ck_assert_int_eq(listener_tls_check(&o, &fault), modes[_i].with_one);
	o.tls_cert = NULL;
	o.tls_ca_cert = "x";
	ck_assert_int_eq(listener_tls_check(&o, &fault), modes[_i].with_one);
}
END_TEST

static const struct {
	struct options o;
	const char *key, *says;
} pairs[] = {
	{ { .tls_cert = "x" }, "tls-cert", "no TLS with clients" },
	{ { .tls = TLS(STRIP), .tls_client_ca = "x" }, "tls-client-ca",
	    "no TLS with clients" },
	{ { .tls = TLS(TERMINATE), .tls_cert = "x", .tls_ca_file = "x" },
	    "tls-ca-file", "no TLS with the mail server" },
	{ { .tls = TLS(TERMINATE), .tls_cert = "x", .tls_name = "x" },
	    "tls-name", "no TLS with the mail server" },
	{ { .tls = TLS(TERMINATE), .tls_cert = "x", .tls_crl = "x" },
	    "tls-crl", "no TLS with the mail server" },
	{ { .tls = TLS(TERMINATE), .tls_cert = "x", .tls_client_cert = "x" },
	    "tls-client-cert", "no TLS with the mail server" },
	{ { .tls_keylog = "x" }, "tls-keylog", "no TLS ends here" },
	{ { .tls = TLS(TERMINATE), .tls_key = "x" }, "tls-key",
	    "tls-cert is missing" },
	{ { .tls = TLS(TERMINATE), .tls_ca_key = "x" }, "tls-ca-key",
	    "tls-ca-cert is missing" },
	{ { .tls = TLS(ORIGINATE), .tls_client_key = "x" }, "tls-client-key",
	    "tls-client-cert is missing" },
	{ { .tls = TLS(BRIDGE), .tls_cert = "x", .tls_ca_cert = "x" },
	    "tls-ca-cert", "tls-cert is given, too" },
};

START_TEST(an_option_that_would_do_nothing_is_refused)
{
	struct listener_tls_fault fault;

	ck_assert(!listener_tls_check(&pairs[_i].o, &fault));
	ck_assert_str_eq(fault.key, pairs[_i].key);
	ck_assert_msg(strstr(fault.why, pairs[_i].says) != NULL, "%s",
	    fault.why);
}
END_TEST

/* --- files ---------------------------------------------------------------- */

/* Of a file with that in its listener, % standing for the folder. */
static struct settings *
read_listener(const char *options)
{
	char text[1024], path[128];

	(void)strcpy(text, LISTENER);
	for (const char *p = options; *p; p++)
		(void)snprintf(text + strlen(text), 128, "%.*s",
		    *p == '%' ? 64 : 1, *p == '%' ? pki.folder : p);
	(void)strcat(text, "\n}\n");
	pki_write(&pki, "x.conf", text);
	(void)strcpy(path, pki_path(&pki, "x.conf"));
	return config_read(path, "this.host", &report);
}

static struct settings *
read_good(const char *options)
{
	struct settings *s = read_listener(options);

	ck_assert_msg(s != NULL, "%s", report.errors);
	return s;
}

static const struct {
	const char *options, *says;	/* what is said from the line on */
} bad[] = {
	{ "tls = nix", ":5: tls \"nix\": passthrough, strip, bridge" },
	{ "implicit-tls = yes", ":5: implicit-tls \"yes\": no, client, " },
	{ "tls-verify = yes", ":5: tls-verify \"yes\": require, " },
	{ "tls-name = \"mx:25\"", ":5: tls-name \"mx:25\": the name" },
	{ "tls-name = \"*.test\"", ":5: tls-name \"*.test\": the name" },
	{ "tls-cert = \"\"", ":5: tls-cert \"\": the name of a file" },
	{ "tls = bridge", ":5: tls: TLS with clients needs a certificate" },
	{ "tls-cert = x", ":5: tls-cert: no TLS with clients ends here" },
	{ "tls = terminate\ntls-cert = \"%/none.pem\"",
	    ":6: tls-cert: " },
	{ "tls = terminate\ntls-cert = \"%/text.pem\"",
	    ":6: tls-cert: " },
	{ "tls = terminate\ntls-cert = \"%/cert.pem\"",
	    ":6: tls-cert: " },		/* no key in that file */
	{ "tls = terminate\ntls-cert = \"%/cert.pem\"\n"
	    "tls-key = \"%/text.pem\"", ":7: tls-key: " },
	{ "tls = terminate\ntls-cert = \"%/cert.pem\"\n"
	    "tls-key = \"%/ca.key\"", ":7: tls-key: " },
	{ "tls = bridge\ntls-ca-cert = \"%/cert.pem\"\n"
	    "tls-ca-key = \"%/key.pem\"", ":6: tls-ca-cert: " },
	{ "tls = bridge\ntls-ca-cert = \"%/ca.pem\"\n"
	    "tls-ca-key = \"%/key.pem\"", ":7: tls-ca-key: " },
	{ "tls = terminate\ntls-cert = \"%/cert.pem\"\n"
	    "tls-key = \"%/key.pem\"\ntls-client-ca = \"%/text.pem\"",
	    ":8: tls-client-ca: " },
	{ "tls = originate\ntls-ca-file = \"%/none.pem\"",
	    ":6: tls-ca-file: " },
	{ "tls = originate\ntls-ca-file = \"%/ca.pem\"\n"
	    "tls-crl = \"%/other.pem\"", ":7: tls-crl: " },
	{ "tls = originate\ntls-ca-file = \"%/ca.pem\"\n"
	    "tls-client-cert = \"%/text.pem\"", ":7: tls-client-cert: " },
	{ "tls = originate\ntls-ca-file = \"%/ca.pem\"\n"
	    "tls-client-cert = \"%/cert.pem\"\n"
	    "tls-client-key = \"%/ca.key\"", ":8: tls-client-key: " },
};

START_TEST(what_is_wrong_is_told_at_its_line)
{
	const char *line;

	ck_assert_ptr_null(read_listener(bad[_i].options));
	line = strstr(report.errors, "x.conf");
	ck_assert_ptr_nonnull(line);
	ck_assert_msg(strncmp(line + 6, bad[_i].says, strlen(bad[_i].says)) ==
	    0, "%s", report.errors);
	ck_assert_ptr_eq(strchr(line, '\n'), report.errors +
	    strlen(report.errors) - 1);
}
END_TEST

#define CERT "tls-cert = \"%/cert.pem\"\ntls-key = \"%/key.pem\"\n"
#define CA   "tls-ca-file = \"%/ca.pem\"\n"

static const struct {
	const char *options;
	bool client, upstream;
	enum policy_tls tls;
} made[] = {
	{ "", false, false, POLICY_TLS_PASS },
	{ "tls = strip", false, false, POLICY_TLS_STRIP },
	{ "tls = bridge\n" CERT CA, true, true, POLICY_TLS_BRIDGE },
	{ "tls = terminate\n" CERT, true, false, POLICY_TLS_TERMINATE },
	{ "tls = originate\n" CA, false, true, POLICY_TLS_ORIGINATE },
	{ "tls = require\n" CERT CA, true, true, POLICY_TLS_REQUIRE },
	{ "implicit-tls = client\n" CERT, true, false, POLICY_TLS_STRIP },
	{ "implicit-tls = upstream\n" CA, false, true, POLICY_TLS_STRIP },
	{ "implicit-tls = both\n" CERT CA, true, true, POLICY_TLS_STRIP },
	{ "implicit-tls = client\ntls = originate\n" CERT CA, true, true,
	    POLICY_TLS_ORIGINATE },
	{ "implicit-tls = upstream\ntls = terminate\n" CERT CA, true, true,
	    POLICY_TLS_TERMINATE },
};

START_TEST(a_listener_has_the_contexts_and_the_policy_of_its_mode)
{
	struct settings *s = read_good(made[_i].options);
	const struct settings_listener *l = s->listeners;

	ck_assert_int_eq(l->tls_client != NULL, made[_i].client);
	ck_assert_int_eq(l->tls_upstream != NULL, made[_i].upstream);
	if (made[_i].tls == POLICY_TLS_PASS) {
		ck_assert_ptr_null(l->policy);
	} else {
		ck_assert_int_eq(l->policy->tls, made[_i].tls);
		ck_assert(l->policy->holds[SMTP_CLIENT]);
		ck_assert(l->policy->holds[SMTP_SERVER]);
		ck_assert_ptr_null(policy_check(l->policy));
	}
	settings_free(s);
}
END_TEST

START_TEST(every_file_can_be_given)
{
	struct settings *s = read_good("tls = bridge\ntls-ca-cert = "
	    "\"%/ca.pem\"\ntls-ca-key = \"%/ca.key\"\ntls-client-ca = "
	    "\"%/ca.pem\"\ntls-verify = require\ntls-name = other.test\n"
	    "tls-crl = \"%/crl.pem\"\ntls-client-cert = \"%/cert.pem\"\n"
	    "tls-client-key = \"%/key.pem\"\n" CA);

	ck_assert_str_eq(s->listeners[0].tls_name, "other.test");
	settings_free(s);
}
END_TEST

START_TEST(the_name_is_that_of_the_upstream_if_none_is_given)
{
	struct settings *s = read_good("tls = originate\n" CA);

	ck_assert_str_eq(s->listeners[0].tls_name, "mx.test");
	settings_free(s);
}
END_TEST

static const struct {
	const char *verify;
	bool is_optional;
} verifies[] = {
	{ "", false }, { "tls-verify = require\n", false },
	{ "tls-verify = opportunistic\n", true },
	{ "tls-verify = none\n", false },
};

START_TEST(only_opportunistic_tls_can_be_done_without)
{
	char options[128];
	struct settings *s;

	(void)snprintf(options, sizeof(options), "tls = originate\n%s%s", CA,
	    verifies[_i].verify);
	s = read_good(options);
	ck_assert_int_eq(s->listeners[0].policy->tls_optional,
	    verifies[_i].is_optional);
	settings_free(s);
}
END_TEST

/* Two listeners with one policy do not share their TLS. */
START_TEST(the_policy_of_the_section_stays_as_it_is)
{
	struct settings *s = read_good("policy = p\ntls = strip\n}\n"
	    "policy \"p\" { block = {\"VRFY\"} when { helo = {\"x\"} "
	    "policy = mask } }\nlistener \"b\" { listen = \":0\" upstream = x "
	    "policy = p");
	const struct settings_listener *l = s->listeners;

	ck_assert_int_eq(l[0].policy->tls, POLICY_TLS_STRIP);
	ck_assert_uint_eq(l[0].policy->n_rules, 1);
	ck_assert_uint_eq(l[0].policy->n_whens, 1);
	ck_assert_str_eq(l[0].policy->name, "p");
	ck_assert_ptr_eq(l[1].policy, policies_find(s->policies, "p"));
	ck_assert_int_eq(l[1].policy->tls, POLICY_TLS_PASS);
	settings_free(s);
}
END_TEST

/* --- key logs ------------------------------------------------------------- */

static off_t
size_of(const char *file)
{
	struct stat st;

	ck_assert_int_eq(stat(pki_path(&pki, file), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	return st.st_size;
}

START_TEST(a_key_log_is_made_when_the_settings_are_used)
{
	struct settings *s = read_good("tls = originate\ntls-keylog = "
	    "\"%/keys.log\"\n" CA);

	ck_assert_int_ne(access(pki_path(&pki, "keys.log"), F_OK), 0);
	ck_assert_msg(settings_log_keys(s), "%s", s->error);
	ck_assert_int_eq(size_of("keys.log"), 0);
	settings_free(s);
	ck_assert_int_eq(unlink(pki_path(&pki, "keys.log")), 0);
}
END_TEST

START_TEST(a_key_log_that_others_can_read_is_hidden_from_them)
{
	struct keylog *k;

	pki_write(&pki, "keys.log", "before\n");
	ck_assert_int_eq(chmod(pki_path(&pki, "keys.log"), 0644), 0);
	k = keylog_open(pki_path(&pki, "keys.log"), "mx", error);
	ck_assert_msg(k != NULL, "%s", error);
	ck_assert_int_eq(write(keylog_fd(k), "x\n", 2), 2);
	ck_assert_int_eq(size_of("keys.log"), 9);
	keylog_close(k);
	ck_assert_int_eq(unlink(pki_path(&pki, "keys.log")), 0);
}
END_TEST

START_TEST(a_key_log_is_an_ordinary_file)
{
	const char *path = pki_path(&pki, "keys.log");

	ck_assert_ptr_null(keylog_open("/dev/null", "mx", error));
	ck_assert_ptr_nonnull(strstr(error, "/dev/null: "));
	ck_assert_ptr_null(keylog_open(pki.folder, "mx", error));
	ck_assert_int_eq(symlink("cert.pem", path), 0);
	ck_assert_ptr_null(keylog_open(path, "mx", error));
	ck_assert_ptr_nonnull(strstr(error, "tls-keylog: "));
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_key_log_that_was_moved_is_begun_anew)
{
	struct keylog *k = keylog_open(pki_path(&pki, "keys.log"), "mx", error);
	int fd = keylog_fd(k);

	ck_assert_int_eq(write(fd, "old\n", 4), 4);
	ck_assert_int_eq(rename(pki_path(&pki, "keys.log"),
	    pki_path(&pki, "keys.old")), 0);
	keylog_reopen(k);
	ck_assert_int_eq(keylog_fd(k), fd);
	ck_assert_int_eq(write(fd, "newer\n", 6), 6);
	ck_assert_int_eq(size_of("keys.old"), 4);
	ck_assert_int_eq(size_of("keys.log"), 6);
	keylog_close(k);
	ck_assert_int_eq(unlink(pki_path(&pki, "keys.log")), 0);
	ck_assert_int_eq(unlink(pki_path(&pki, "keys.old")), 0);
}
END_TEST

START_TEST(a_key_log_that_cannot_be_reopened_goes_on)
{
	struct keylog *k = keylog_open(pki_path(&pki, "keys.log"), "mx", error);

	ck_assert_int_eq(rename(pki_path(&pki, "keys.log"),
	    pki_path(&pki, "keys.old")), 0);
	ck_assert_int_eq(symlink("nowhere", pki_path(&pki, "keys.log")), 0);
	keylog_reopen(k);
	ck_assert_int_eq(write(keylog_fd(k), "x\n", 2), 2);
	ck_assert_int_eq(size_of("keys.old"), 2);
	keylog_close(k);
	ck_assert_int_eq(unlink(pki_path(&pki, "keys.log")), 0);
	ck_assert_int_eq(unlink(pki_path(&pki, "keys.old")), 0);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

int
main(void)
{
	Suite *suite = suite_create("listener_tls");
	TCase *pure = tcase_create("pure"), *files = tcase_create("files");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(pure,
	    a_mode_has_the_certificate_it_needs_and_no_other, 0, COUNT(modes));
	tcase_add_loop_test(pure, an_option_that_would_do_nothing_is_refused,
	    0, COUNT(pairs));
	suite_add_tcase(suite, pure);
	tcase_add_checked_fixture(files, set_up, tear_down);
	tcase_add_loop_test(files, what_is_wrong_is_told_at_its_line, 0,
	    COUNT(bad));
	tcase_add_loop_test(files,
	    a_listener_has_the_contexts_and_the_policy_of_its_mode, 0,
	    COUNT(made));
	tcase_add_test(files, every_file_can_be_given);
	tcase_add_test(files,
	    the_name_is_that_of_the_upstream_if_none_is_given);
	tcase_add_loop_test(files, only_opportunistic_tls_can_be_done_without,
	    0, COUNT(verifies));
	tcase_add_test(files, the_policy_of_the_section_stays_as_it_is);
	tcase_add_test(files, a_key_log_is_made_when_the_settings_are_used);
	tcase_add_test(files,
	    a_key_log_that_others_can_read_is_hidden_from_them);
	tcase_add_test(files, a_key_log_is_an_ordinary_file);
	tcase_add_test(files, a_key_log_that_was_moved_is_begun_anew);
	tcase_add_test(files, a_key_log_that_cannot_be_reopened_goes_on);
	suite_add_tcase(suite, files);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
