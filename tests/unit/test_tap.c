/* From bytes to a database and back: what a tap keeps of a session. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "record/store.h"
#include "record/tap.h"

static char dir[] = "/tmp/test_tap.XXXXXX";
static char path[64], error[RECORD_ERROR_MAX];
static struct recorder *recorder;
static struct recorder_port *port;
static struct smtp_session smtp;
static struct tap tap;
static int64_t now, gap_ns;	/* between two segments */

static void
drained(void *arg)
{
	(void)arg;
}

static void
setup(void)
{
	struct tap_origin from = { .listener = "mx", .client = "192.0.2.7:1025",
	    .upstream = "192.0.2.9:25", .now_ns = now = 1000000,
	    .wall_ns = 1780000000000000000 };

	gap_ns = 1000000;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/t.db", dir);
	recorder = recorder_open(path, &recorder_default_limits, error);
	ck_assert_msg(recorder != NULL, "%s", error);
	port = recorder_port(recorder, drained, NULL);
	ck_assert_ptr_nonnull(port);
	smtp_start(&smtp);
	ck_assert(tap_open(&tap, port, &from));
}

static void
teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* A side says bytes, in segments of at most n octets, gap_ns apart. */
static void
say(enum smtp_side side, const char *bytes, size_t n)
{
	static char unread[2][SMTP_LINE_MAX * 2];
	static size_t have[2];
	struct span all = span_of(bytes);

	while (all.n) {
		struct span piece = span_cut(&all, all.n < n ? all.n : n);
		struct span in;
		struct smtp_event ev;

		memcpy(unread[side] + have[side], piece.p, piece.n);
		have[side] += piece.n;
		in = (struct span){ unread[side], have[side] };
		tap_received(&tap, side, piece.n, now += gap_ns);
		while (smtp_next(&smtp, side, &in, &ev) == SMTP_EVENT)
			tap_event(&tap, &ev, TAP_FORWARDED);
		tap_settle(&tap);
		memmove(unread[side], in.p, in.n);
		have[side] = in.n;
	}
}

static void
dialogue(size_t n)
{
	say(SMTP_SERVER, "220 mx ESMTP\r\n", n);
	say(SMTP_CLIENT, "EHLO c.example\r\n", n);
	say(SMTP_SERVER, "250-mx\r\n250 AUTH PLAIN\r\n", n);
	say(SMTP_CLIENT, "AUTH PLAIN AHRlc3QAczNjcjN0\r\n", n);
	say(SMTP_SERVER, "235 2.7.0 ok\r\n", n);
	say(SMTP_CLIENT, "MAIL FROM:<a@x>\r\n", n);
	say(SMTP_SERVER, "250 ok\r\n", n);
	say(SMTP_CLIENT, "RCPT TO:<b@y>\r\n", n);
	say(SMTP_SERVER, "250 ok\r\n", n);
	say(SMTP_CLIENT, "DATA\r\n", n);
	say(SMTP_SERVER, "354 go\r\n", n);
	say(SMTP_CLIENT, "Subject: s\r\n\r\nhi\r\n.\r\n", n);
	say(SMTP_SERVER, "250 2.0.0 Ok: queued as Q1\r\n", n);
}

static void
finish(void)
{
	tap_close(&tap, "client", now += 1000000);
	ck_assert_msg(recorder_close(recorder, error), "%s", error);
}

/* One value of a query, as text. */
static const char *
ask(const char *sql)
{
	static char value[65536];
	sqlite3_stmt *q;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
	(void)snprintf(value, sizeof value, "%s",
	    (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	sqlite3_close(db);
	return value;
}

START_TEST(views_tell_the_session)
{
	dialogue(65536);
	finish();
	ck_assert_str_eq(ask("select client || ' ' || upstream || ' ' || helo "
	    "|| ' ' || auth_user || ' ' || messages || ' ' || ended_by "
	    "from session"),
	    "192.0.2.7:1025 192.0.2.9:25 c.example test 1 client");
	ck_assert_str_eq(ask("select group_concat(verb, ' ') from (select verb "
	    "from exchange order by seq)"),
	    "CONNECT EHLO AUTH MAIL RCPT DATA .");
	ck_assert_str_eq(ask("select mail_from || subject || size || queue_id "
	    "from message"), "a@xs18Q1");
	ck_assert_str_eq(ask("select address || code from recipient"),
	    "b@y250");
}
END_TEST

START_TEST(exchanges_are_numbered_through_the_parts)
{
	say(SMTP_SERVER, "220 mx ESMTP\r\n", 100);
	for (int i = 0; i < 5; i++) {
		say(SMTP_CLIENT, "NOOP\r\nFROB\r\n", 100);
		say(SMTP_SERVER, "250 ok\r\n500 what\r\n", 100);
		ck_assert(tap_flush(&tap));
	}
	finish();
	ck_assert_str_eq(ask("select group_concat(seq, ' ') from (select seq "
	    "from exchange order by t_us)"), "1 2 3 4 5 6 7 8 9 10 11");
	ck_assert_str_eq(ask("select count(distinct seq) || ' ' || max(seq) "
	    "from event where name = 'unknown-verb'"), "5 10");
}
END_TEST

/* Everything that was kept of a side, end to end. */
static void
kept(enum smtp_side side, struct text *out, unsigned *segments)
{
	struct store *store = store_open(path, error);
	struct store_wire wire = { 0 };
	int64_t id;

	ck_assert_msg(store != NULL, "%s", error);
	id = store_find(store, "last", error);
	ck_assert_int_ne(id, 0);
	ck_assert_msg(store_wire(store, id, &wire, error), "%s", error);
	for (size_t i = 0; i < wire.n; i++) {
		if (wire.segments[i].side != side)
			continue;
		text_span(out, wire.segments[i].bytes);
		*segments += !wire.segments[i].same_segment;
	}
	store_wire_free(&wire);
	store_close(store);
}

START_TEST(wire_is_what_came_but_for_the_credential)
{
	static const size_t cuts[] = { 1, 2, 3, 7, 65536 };
	struct text client = { 0 }, server = { 0 };
	unsigned segments = 0, others = 0;

	dialogue(cuts[_i]);
	finish();
	kept(SMTP_CLIENT, &client, &segments);
	kept(SMTP_SERVER, &server, &others);
	text_put(&client, "", 1);
	text_put(&server, "", 1);
	ck_assert_str_eq(client.p, "EHLO c.example\r\nAUTH PLAIN cmVkYWN0ZWQ="
	    "\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nSubject: s\r\n"
	    "\r\nhi\r\n.\r\n");
	ck_assert_str_eq(server.p, "220 mx ESMTP\r\n250-mx\r\n250 AUTH PLAIN"
	    "\r\n235 2.7.0 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"
	    "250 2.0.0 Ok: queued as Q1\r\n");
	if (cuts[_i] == 1)
		ck_assert_uint_eq(segments, 104);
	if (cuts[_i] == 65536)
		ck_assert_uint_eq(segments, 6);
	text_free(&client);
	text_free(&server);
}
END_TEST

START_TEST(no_secret_is_in_any_file)
{
	char command[256];

	dialogue(3);
	finish();
	(void)snprintf(command, sizeof command,
	    "! grep -r -a -e s3cr3t -e czNjcjN0 -e AHRlc3QA %s", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(no_two_segments_have_the_same_time)
{
	struct store_wire wire = { 0 };
	struct store *store;
	int64_t last_us = -1;

	gap_ns = 0;
	dialogue(2);
	finish();
	store = store_open(path, error);
	ck_assert_msg(store != NULL, "%s", error);
	ck_assert(store_wire(store, store_find(store, "last", error), &wire,
	    error));
	ck_assert_uint_gt(wire.n, 100);
	for (size_t i = 0; i < wire.n; i++) {
		if (wire.segments[i].same_segment)
			continue;
		ck_assert_int_gt(wire.segments[i].t_us, last_us);
		last_us = wire.segments[i].t_us;
	}
	store_wire_free(&wire);
	store_close(store);
}
END_TEST

/* Offer bytes, and take what is understood of them; one event. */
static struct smtp_event
one_event(enum smtp_side side, struct span bytes)
{
	struct smtp_event ev;

	tap_received(&tap, side, bytes.n, now += gap_ns);
	ck_assert_int_eq(smtp_next(&smtp, side, &bytes, &ev), SMTP_EVENT);
	ck_assert_uint_eq(bytes.n, 0);
	return ev;
}

START_TEST(a_secret_that_was_withheld_is_in_no_file)
{
	struct span line = SPAN("AUTH PLAIN AHRlc3QAczNjcjN0\r\n");
	struct smtp_event ev;
	char command[256];

	say(SMTP_SERVER, "220 mx\r\n", 100);
	say(SMTP_CLIENT, "EHLO c\r\n", 100);
	say(SMTP_SERVER, "250-mx\r\n250 AUTH PLAIN\r\n", 100);
	ev = one_event(SMTP_CLIENT, line);
	if (_i == 0)
		tap_event(&tap, &ev, TAP_WITHHELD);
	else {
		tap_event(&tap, &ev, TAP_EDITED);
		tap_passed(&tap, span_cut(&line, 14));
		tap_withheld(&tap, span_cut(&line, 5));
		tap_made(&tap, SPAN("XXXXX"));
		tap_passed(&tap, line);
	}
	tap_rule(&tap, SMTP_CLIENT, "verbs", "reject", "notice", ev.text,
	    false);
	tap_settle(&tap);
	tap_own(&tap, SMTP_SERVER, SPAN("502 5.5.1 no\r\n"), true,
	    now);
	finish();
	(void)snprintf(command, sizeof command, "! grep -r -a -e czNj -e AHRl"
	    " -e QAcz -e s3cr3t %s", dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_str_eq(ask("select verb || ' ' || argument || ' ' || code"
	    " || ' ' || origin from exchange where verb = 'AUTH'"),
	    "AUTH PLAIN cmVkYWN0ZWQ= 502 smtptap");
	ck_assert_str_eq(ask("select rule || ' ' || detail from event where"
	    " name = 'rule'"), "verbs reject: cmVkYWN0ZWQ=");
}
END_TEST

START_TEST(what_is_made_has_the_time_of_the_octet_before_it)
{
	static const struct { enum wire_kind kind; int64_t t_us; } expected[] = {
		{ WIRE_MADE, 1000 }, { WIRE_BYTES, 1000 },
		{ WIRE_WITHHELD, 1000 }, { WIRE_WITHHELD, 2000 },
		{ WIRE_MADE, 2000 }, { WIRE_BYTES, 2000 },
	};
	struct span line = SPAN("220 mx ESMTP\r\n");
	struct smtp_event ev;
	struct store_wire wire;
	struct store *store;

	tap_received(&tap, SMTP_SERVER, 5, now += gap_ns);
	tap_received(&tap, SMTP_SERVER, line.n - 5, now += gap_ns);
	ck_assert_int_eq(smtp_next(&smtp, SMTP_SERVER, &line, &ev),
	    SMTP_EVENT);
	tap_event(&tap, &ev, TAP_EDITED);
	tap_made(&tap, SPAN("220-hi\r\n"));
	tap_passed(&tap, span_cut(&ev.raw, 4));
	tap_withheld(&tap, span_cut(&ev.raw, 2));
	tap_made(&tap, SPAN("host"));
	tap_passed(&tap, ev.raw);
	tap_settle(&tap);
	finish();
	store = store_open(path, error);
	ck_assert_msg(store != NULL, "%s", error);
	ck_assert(store_wire(store, store_find(store, "last", error), &wire,
	    error));
	ck_assert_uint_eq(wire.n, sizeof expected / sizeof *expected);
	for (size_t i = 0; i < wire.n; i++) {
		ck_assert_int_eq(wire.segments[i].kind, expected[i].kind);
		ck_assert_int_eq(wire.segments[i].t_us, expected[i].t_us);
	}
	store_wire_free(&wire);
	store_close(store);
	ck_assert_str_eq(ask("select reply || ' ' || t_us || ' ' || latency_us"
	    " from exchange"), "mx ESMTP 0 2000");
	ck_assert_str_eq(ask("select rewritten from session"), "1");
}
END_TEST

START_TEST(a_rule_that_fired_is_a_row_with_the_events_time)
{
	struct smtp_event ev;

	say(SMTP_SERVER, "220 mx\r\n", 100);
	ev = one_event(SMTP_CLIENT, SPAN("VRFY bob\r\n"));
	tap_event(&tap, &ev, TAP_FORWARDED);
	tap_rule(&tap, SMTP_CLIENT, "no \"VRFY\"", "reject", "warning",
	    ev.text, true);
	finish();
	ck_assert_str_eq(ask("select side || '|' || severity || '|' || detail"
	    " || '|' || rule || '|' || (t_us = (select t_us from exchange"
	    " where verb = 'VRFY')) from event where name = 'rule'"),
	    "client|warning|would reject: bob|no \"VRFY\"|1");
	ck_assert_str_eq(ask("select events || rewritten from session"), "10");
}
END_TEST

START_TEST(rules_are_counted_beyond_the_rows_there_are)
{
	say(SMTP_SERVER, "220 mx\r\n", 100);
	for (int i = 0; i < 1200; i++)
		tap_rule(&tap, SMTP_SERVER, "r", "event", "notice",
		    SPAN(""), false);
	finish();
	ck_assert_str_eq(ask("select events from session"), "1200");
	ck_assert_str_eq(ask("select count(*) || min(detail) from event"),
	    "1000event");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tap");
	TCase *t = tcase_create("session");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, views_tell_the_session);
	tcase_add_test(t, exchanges_are_numbered_through_the_parts);
	tcase_add_loop_test(t, wire_is_what_came_but_for_the_credential, 0, 5);
	tcase_add_test(t, no_secret_is_in_any_file);
	tcase_add_test(t, no_two_segments_have_the_same_time);
	tcase_add_loop_test(t, a_secret_that_was_withheld_is_in_no_file, 0, 2);
	tcase_add_test(t, what_is_made_has_the_time_of_the_octet_before_it);
	tcase_add_test(t, a_rule_that_fired_is_a_row_with_the_events_time);
	tcase_add_test(t, rules_are_counted_beyond_the_rows_there_are);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
