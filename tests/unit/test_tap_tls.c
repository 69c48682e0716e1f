/* What a tap keeps of TLS, and how it is read again. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/certificate.h"
#include "record/store.h"
#include "record/tap.h"
#include "tests/unit/recording.h"

static struct recorder *recorder;
static struct recorder_port *port;
static struct smtp_session smtp;
static struct tap tap;
static int64_t now;

static void
open_tap(void)
{
	struct tap_origin from = { .client = "192.0.2.7:1025",
	    .now_ns = now = 1000000, .wall_ns = 1780000000000000000 };

	smtp_start(&smtp);
	ck_assert(tap_open(&tap, port, &from));
}

static void
setup(void)
{
	recording_setup();
	recorder = recording_open(&port);
	open_tap();
}

static void
teardown(void)
{
	recording_teardown();
}

static void
say(enum smtp_side side, struct span bytes, enum tap_fate fate)
{
	struct smtp_event ev;

	tap_received(&tap, side, bytes.n, now += 1000000);
	while (smtp_next(&smtp, side, &bytes, &ev) == SMTP_EVENT)
		tap_event(&tap, &ev, fate);
	ck_assert_uint_eq(bytes.n, 0);
	tap_settle(&tap);
}

static void
client(const char *line)
{
	say(SMTP_CLIENT, span_of(line), TAP_FORWARDED);
}

static void
server(const char *lines)
{
	say(SMTP_SERVER, span_of(lines), TAP_FORWARDED);
}

static void
finish(void)
{
	tap_close(&tap, "client", now += 1000000);
	recording_close(recorder);
}

static const char *
make_pem(char out[4096])
{
	struct certificate_term term = { 1, 4102444800 };
	EVP_PKEY *key = certificate_key();
	X509 *ca = certificate_ca("test", key, term);

	ck_assert_uint_gt(certificate_pem(ca, out, 4096), 0);
	X509_free(ca);
	EVP_PKEY_free(key);
	return out;
}

/* A session of tls = bridge up to its handshakes. */
static void
bridge(const struct tap_tls *with_client, const struct tap_tls *with_server)
{
	server("220 mx\r\n");
	client("EHLO c\r\n");
	server("250-mx\r\n250 STARTTLS\r\n");
	client("STARTTLS\r\n");
	say(SMTP_SERVER, SPAN("220 go\r\n"), TAP_WITHHELD);
	tap_secured(&tap, SMTP_SERVER, with_server, now += 1000000);
	tap_own(&tap, SMTP_SERVER, SPAN("220 ready\r\n"), false,
	    now += 1000000);
	tap_secured(&tap, SMTP_CLIENT, with_client, now += 1000000);
	smtp_tls_started(&smtp);
}

START_TEST(each_side_has_a_row)
{
	struct tap_tls one = { .version = "TLSv1.3", .cipher = "A",
	    .group = "x25519", .sni = "mx.example", .alpn = "smtp",
	    .resumed = true, .handshake_us = 1234 };
	struct tap_tls two = { .version = "TLSv1.2", .cipher = "B",
	    .verified = "expired", .handshake_us = -1 };

	bridge(&one, &two);
	finish();
	recording_says("select tls_client || '|' || tls_server || '|' || sni"
	    " from session", "TLSv1.3 A|TLSv1.2 B|mx.example");
	recording_says("select version || cipher || named_group || sni || alpn"
	    " || resumed || handshake_us || opaque from tls"
	    " where side = 'client' and verified is null",
	    "TLSv1.3Ax25519mx.examplesmtp112340");
	recording_says("select version || verified || resumed from tls where"
	    " side = 'server' and handshake_us is null and sni is null",
	    "TLSv1.2expired0");
	recording_says("select count(*) from tls join session on id ="
	    " session_id", "2");
}
END_TEST

START_TEST(a_certificate_is_kept_once)
{
	char pem[2][4096];
	const char *chain[] = { make_pem(pem[0]), make_pem(pem[1]) };
	const char *worse[] = { pem[0], "no certificate\n" };
	struct tap_tls tls = { .handshake_us = 1, .chain = chain,
	    .n_chain = 2 };
	struct tap_tls less = { .handshake_us = 1, .chain = worse,
	    .n_chain = 2 };

	bridge(&tls, &tls);
	tap_close(&tap, "client", now);
	open_tap();
	bridge(&less, &tls);
	finish();
	recording_says("select count(*) from certificate", "2");
	recording_says("select group_concat(n) from (select"
	    " json_array_length(chain) as n from tls where side = 'client'"
	    " order by 1)", "1,2");
	recording_says("select c.pem from tls t join certificate c"
	    " on c.sha256 = t.chain ->> 0 where t.side = 'server'", pem[0]);
	recording_says("select length(sha256) from certificate", "64");
}
END_TEST

START_TEST(a_credential_in_tls_is_in_no_file)
{
	struct tap_tls tls = { .version = "TLSv1.3", .handshake_us = 1 };
	char command[256];

	bridge(&tls, &tls);
	client("EHLO c\r\n");
	server("250-mx\r\n250 AUTH PLAIN\r\n");
	client("AUTH PLAIN AHRlc3QAczNjcjN0\r\n");
	server("235 ok\r\n");
	finish();
	recording_says("select auth_user from session", "test");
	recording_says("select argument from exchange where verb = 'AUTH'",
	    "PLAIN cmVkYWN0ZWQ=");
	(void)snprintf(command, sizeof command,
	    "! grep -aqE 's3cr3t|AHRlc3Q|czNjcjN0' %s*",
	    recording_path("sessions.db"));
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(starttls_is_answered_by_whom_the_client_heard)
{
	struct tap_tls tls = { .version = "TLSv1.3", .handshake_us = 1 };

	bridge(&tls, &tls);
	client("QUIT\r\n");
	server("221 bye\r\n");
	finish();
	recording_says("select group_concat(verb || code || origin, ' ')"
	    " from exchange", "CONNECT220server EHLO250server "
	    "STARTTLS220smtptap QUIT221server");
	recording_says("select forwarded || reply from exchange"
	    " where verb = 'STARTTLS'", "1ready");
}
END_TEST

START_TEST(starttls_that_came_to_nothing_is_unanswered)
{
	server("220 mx\r\n");
	client("EHLO c\r\n");
	server("250-mx\r\n250 STARTTLS\r\n");
	client("STARTTLS\r\n");
	say(SMTP_SERVER, SPAN("220 go\r\n"), TAP_WITHHELD);
	finish();
	recording_says("select count(*) from exchange where verb = 'STARTTLS'"
	    " and code is null", "1");
}
END_TEST

START_TEST(commands_of_our_own_are_exchanges)
{
	struct tap_tls tls = { .version = "TLSv1.3", .handshake_us = 1 };

	server("220 mx\r\n");
	client("EHLO c.example\r\n");
	say(SMTP_SERVER, SPAN("250-mx\r\n250 STARTTLS\r\n"), TAP_WITHHELD);
	tap_own(&tap, SMTP_CLIENT, SPAN("STARTTLS\r\n"), false, now);
	smtp_inject(&smtp, SMTP_STARTTLS);
	say(SMTP_SERVER, SPAN("220 go\r\n"), TAP_WITHHELD);
	tap_secured(&tap, SMTP_SERVER, &tls, now += 1000000);
	smtp_tls_started(&smtp);
	tap_own(&tap, SMTP_CLIENT, SPAN("EHLO c.example\r\n"), false, now);
	smtp_inject(&smtp, SMTP_EHLO);
	server("250 mx\r\n");
	finish();
	recording_says("select group_concat(verb || code || origin, ' ')"
	    " from exchange", "CONNECT220server EHLO250server "
	    "STARTTLS220server EHLO250server");
	recording_says("select helo || tls_server from session where"
	    " tls_client is null", "c.exampleTLSv1.3");
}
END_TEST

/* As OpenSSL says them, without what does not matter. */
#define CLIENT_HELLO "\x16\3\1\0\x44\1\0\0\x40\3\3" \
	"0123456789abcdef0123456789abcdef" "\0" "\0\2\x13\1" "\1\0" \
	"\0\x15" "\0\0\0\6\0\4\0\0\1a" "\0\x2b\0\7\6\x1a\x1a\3\4\3\3"
#define SERVER_HELLO "\x16\3\3\0\x30\2\0\0\x2c\3\3" \
	"0123456789abcdef0123456789abcdef" "\0" "\x13\1" "\0" \
	"\0\x04" "\0\x33\0\0"

START_TEST(what_passes_through_tells_its_hellos)
{
	struct span hello = SPAN(CLIENT_HELLO), answer = SPAN(SERVER_HELLO);

	server("220 mx\r\n");
	client("EHLO c\r\n");
	server("250-mx\r\n250 STARTTLS\r\n");
	client("STARTTLS\r\n");
	server("220 go\r\n");
	say(SMTP_CLIENT, span_cut(&hello, 9), TAP_FORWARDED);
	say(SMTP_CLIENT, hello, TAP_FORWARDED);
	say(SMTP_SERVER, answer, TAP_FORWARDED);
	say(SMTP_CLIENT, SPAN("\x17\3\3\0\1x"), TAP_FORWARDED);
	ck_assert_str_eq(tap.facts.sni, "a");
	finish();
	recording_says("select tls_client from session where tls_client ="
	    " tls_server", "opaque TLSv1.2 TLS_AES_128_GCM_SHA256");
	recording_says("select offered || sni || octets from tls where opaque"
	    " and side = 'client'", "TLSv1.3 TLSv1.2a79");
	recording_says("select version || cipher || octets from tls where opaque"
	    " and side = 'server'", "TLSv1.2TLS_AES_128_GCM_SHA25653");
}
END_TEST

START_TEST(without_a_recorder_the_facts_are_known_all_the_same)
{
	struct tap_tls tls = { .version = "TLSv1.3", .handshake_us = 1 };
	struct tap_origin from = { .now_ns = now };
	struct tap other;

	ck_assert(tap_open(&other, NULL, &from));
	tap_secured(&other, SMTP_CLIENT, &tls, now);
	ck_assert_str_eq(other.facts.tls_client, "TLSv1.3");
	tap_close(&other, "client", now);
	finish();
}
END_TEST

/* The file of a smtptap that knew nothing of TLS. */
static void
make_version_1(void)
{
	sqlite3 *db;

	finish();
	ck_assert_int_eq(sqlite3_open(recording_path("sessions.db"), &db),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "drop view tls;"
	    "drop view certificate; drop table tls_row;"
	    "drop table certificate_row; pragma user_version = 1",
	    NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(a_recording_of_version_1_is_read_without_a_change)
{
	char error[RECORD_ERROR_MAX];
	struct store *store;
	sqlite3_stmt *rows;

	make_version_1();
	store = store_open(recording_path("sessions.db"), error);
	ck_assert_msg(store != NULL, "%s", error);
	rows = store_query(store, SQL_SESSION_TLS);
	ck_assert_ptr_nonnull(rows);
	ck_assert_int_eq(sqlite3_step(rows), SQLITE_DONE);
	(void)sqlite3_reset(rows);
	ck_assert_int_ne(store_find(store, "last", error), 0);
	store_close(store);
	recording_says("pragma user_version", "1");
}
END_TEST

START_TEST(a_recording_of_version_1_is_brought_forward_by_who_records)
{
	make_version_1();
	recorder = recording_open(&port);
	open_tap();
	bridge(&(struct tap_tls){ .version = "TLSv1.3", .handshake_us = 1 },
	    &(struct tap_tls){ .version = "TLSv1.3", .handshake_us = 1 });
	finish();
	recording_says("pragma user_version", "2");
	recording_says("select count(*) from session", "2");
	recording_says("select count(*) from tls", "2");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tap_tls");
	TCase *tests = tcase_create("tls");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, each_side_has_a_row);
	tcase_add_test(tests, a_certificate_is_kept_once);
	tcase_add_test(tests, a_credential_in_tls_is_in_no_file);
	tcase_add_test(tests, starttls_is_answered_by_whom_the_client_heard);
	tcase_add_test(tests, starttls_that_came_to_nothing_is_unanswered);
	tcase_add_test(tests, commands_of_our_own_are_exchanges);
	tcase_add_test(tests, what_passes_through_tells_its_hellos);
	tcase_add_test(tests,
	    without_a_recorder_the_facts_are_known_all_the_same);
	tcase_add_test(tests, a_recording_of_version_1_is_read_without_a_change);
	tcase_add_test(tests,
	    a_recording_of_version_1_is_brought_forward_by_who_records);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
