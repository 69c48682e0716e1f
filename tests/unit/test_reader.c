/* Transcripts become the wire that they tell of. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/reader.h"
#include "replay/walk.h"

static struct reader_session session;
static char error[READER_ERROR_MAX];

/* The only session in this text. */
static void
read_one(const char *text)
{
	struct reader r = { .text = span_of(text) };

	ck_assert_msg(reader_next(&r, &session, error), "line %u: %s", r.line,
	    error);
	ck_assert_uint_eq(r.text.n, 0);
}

static void
expect_segment(size_t i, enum wire_kind kind, enum smtp_side side,
    int64_t t_us, const char *bytes)
{
	const struct store_segment *seg = &session.wire.segments[i];

	ck_assert_uint_lt(i, session.wire.n);
	ck_assert_int_eq(seg->kind, kind);
	ck_assert_int_eq(seg->side, side);
	ck_assert_int_eq(seg->t_us, t_us);
	ck_assert_msg(seg->bytes.n == strlen(bytes) &&
	    (!seg->bytes.n || memcmp(seg->bytes.p, bytes, seg->bytes.n) == 0),
	    "segment %zu is \"%.*s\"", i, (int)seg->bytes.n,
	    seg->bytes.n ? seg->bytes.p : "");
}

START_TEST(lines_of_one_side_are_one_segment)
{
	read_one("# by hand\n\n<- 220 hi\n -> EHLO x\n -> NOOP\n"
	    "<- 250-hi\n<- 250 there\n");
	ck_assert_uint_eq(session.wire.n, 3);
	expect_segment(0, WIRE_BYTES, SMTP_SERVER, 0, "220 hi\r\n");
	expect_segment(1, WIRE_BYTES, SMTP_CLIENT, 1000,
	    "EHLO x\r\nNOOP\r\n");
	expect_segment(2, WIRE_BYTES, SMTP_SERVER, 2000,
	    "250-hi\r\n250 there\r\n");
	ck_assert_str_eq(session.id, "");
	ck_assert_int_eq(session.duration_us, -1);
	reader_free(&session);
}
END_TEST

START_TEST(times_cut_segments)
{
	read_one("+0.1 <- 220 hi\n+0.2  -> EH\\{+0.25}LO x\n"
	    "+0.3  -> NOOP\n -> RSET\n");
	ck_assert_uint_eq(session.wire.n, 4);
	expect_segment(1, WIRE_BYTES, SMTP_CLIENT, 200000, "EH");
	expect_segment(2, WIRE_BYTES, SMTP_CLIENT, 250000, "LO x\r\n");
	expect_segment(3, WIRE_BYTES, SMTP_CLIENT, 300000,
	    "NOOP\r\nRSET\r\n");
	reader_free(&session);
}
END_TEST

/* As show -t prints content that came together with DATA. */
START_TEST(times_put_lines_in_order)
{
	read_one("+0.1  -> DATA\n+0.2 <- 354 go\n+0.1  -> text\n -> .\n"
	    "+0.3 <- 250 ok\n");
	ck_assert_uint_eq(session.wire.n, 3);
	expect_segment(0, WIRE_BYTES, SMTP_CLIENT, 100000,
	    "DATA\r\ntext\r\n.\r\n");
	expect_segment(1, WIRE_BYTES, SMTP_SERVER, 200000, "354 go\r\n");
	expect_segment(2, WIRE_BYTES, SMTP_SERVER, 300000, "250 ok\r\n");
	reader_free(&session);
}
END_TEST

START_TEST(head_and_tail_are_read)
{
	read_one("=== session 0197  2026-11-22T10:00:00.5Z  192.0.2.7:1 -> "
	    "10.0.0.5:25  listener=mx original-dst=-\n<- 220 hi\n"
	    "+0.5 === server resets\n=== closed by smtptap:idle  1.25s\n");
	ck_assert_str_eq(session.id, "0197");
	ck_assert_str_eq(session.started_at, "2026-11-22T10:00:00.5Z");
	ck_assert_str_eq(session.client, "192.0.2.7:1");
	ck_assert_str_eq(session.upstream, "10.0.0.5:25");
	ck_assert_str_eq(session.listener, "mx");
	ck_assert_str_eq(session.original_dst, "");
	ck_assert_str_eq(session.ended_by, "smtptap:idle");
	ck_assert_int_eq(session.duration_us, 1250000);
	expect_segment(1, WIRE_RESET, SMTP_SERVER, 500000, "");
	reader_free(&session);
}
END_TEST

START_TEST(a_file_may_hold_several_sessions)
{
	struct reader r = { .text = SPAN("# two\n=== session a\n<- 220 a\n"
	    "=== closed by client\n\n=== session b\n<- 220 b\n") };

	ck_assert(reader_next(&r, &session, error));
	ck_assert_str_eq(session.id, "a");
	reader_free(&session);
	ck_assert(reader_next(&r, &session, error));
	ck_assert_str_eq(session.id, "b");
	ck_assert_uint_eq(session.wire.n, 1);
	reader_free(&session);
	ck_assert(!reader_next(&r, &session, error));
	ck_assert_str_eq(error, "");
	reader_free(&session);
}
END_TEST

START_TEST(mistakes_name_their_line)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {
		{ "<- 220 hi\nEHLO x\n", 2 },
		{ "\n\n -> a\\q\n", 3 },
		{ " -> a\\{+x}\n", 1 },
		{ "=== session a  yesterday-ish  b -> c\n", 1 },
		{ "=== session a  2026-11-22T10:00:00Z  b c\n", 1 },
		{ "<- 220\n=== closed by client  soon\n", 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reader r = { .text = span_of(rows[i].text) };

		ck_assert_msg(!reader_next(&r, &session, error), "%s",
		    rows[i].text);
		ck_assert_uint_eq(r.line, rows[i].line);
		ck_assert_uint_gt(strlen(error), 5);
		reader_free(&session);
	}
}
END_TEST

static void
expect_kinds(const char *text, const enum wire_kind *kinds, size_t n)
{
	read_one(text);
	ck_assert_uint_eq(session.wire.n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(session.wire.segments[i].kind == kinds[i],
		    "segment %zu of\n%s", i, text);
	reader_free(&session);
}

START_TEST(lines_of_ours_without_times_are_told_by_what_is_before)
{
	static const struct {
		const char *text;
		enum wire_kind last;
	} rows[] = {
		{ "<x- 220 a\n<=  220 b\n", WIRE_MADE },
		{ "<- 220\\c\n<=   b\n", WIRE_MADE },
		{ "<- 250-a\n<=  250 b\n", WIRE_MADE },
		{ "<- 250 a\n<=  502 b\n", WIRE_OWN },
		{ "-x> VRFY\n<=  502 b\n", WIRE_OWN },
		{ "<- 250-a\n -> NOOP\n<=  502 b\n", WIRE_OWN },
		{ "-x> NOOP\n=>  XXXX\n", WIRE_MADE },
		{ "<x- 250 a\n<=  250-a\n<=  250 b\n", WIRE_MADE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_one(rows[i].text);
		ck_assert_msg(session.wire.segments[session.wire.n - 1].kind ==
		    rows[i].last, "%s", rows[i].text);
		reader_free(&session);
	}
}
END_TEST

START_TEST(lines_of_ours_with_a_time_are_our_own)
{
	static const enum wire_kind kinds[] = { WIRE_BYTES, WIRE_OWN,
	    WIRE_BYTES, WIRE_MADE };

	expect_kinds("+0.1 <- 250 a\n+0.1 <=  502 b\n<-  250 c\n<=  250 d\n",
	    kinds, 4);
}
END_TEST

START_TEST(each_reply_of_ours_by_hand_is_one)
{
	static const enum wire_kind kinds[] = { WIRE_WITHHELD, WIRE_OWN,
	    WIRE_OWN };

	expect_kinds("-x> VRFY\n-x> EXPN\n<=  502 a\n<=  502 b\n", kinds, 3);
}
END_TEST

START_TEST(a_withheld_message_that_is_not_shown_ends_withheld)
{
	read_one("<- 354 go\n -> DATA\n"
	    "-x> [1,482 bytes, 14 of them forwarded]\n<=  550 no\n");
	expect_segment(2, WIRE_GAP, SMTP_CLIENT, 2000, "");
	expect_segment(3, WIRE_WITHHELD, SMTP_CLIENT, 3000, ".\r\n");
	expect_segment(4, WIRE_OWN, SMTP_SERVER, 4000, "550 no\r\n");
	reader_free(&session);
}
END_TEST

START_TEST(rules_are_read)
{
	read_one("+0.1 <x- 250-X\n+0.1 *** rule \"a, b\", notice: strip: X: y\n"
	    "+0.2 *** bare-lf: whatever\n");
	ck_assert_uint_eq(session.n_rules, 1);
	ck_assert_int_eq(session.rules[0].t_us, 100000);
	ck_assert(span_is(session.rules[0].name, "a, b"));
	ck_assert(span_is(session.rules[0].severity, "notice"));
	ck_assert(span_is(session.rules[0].detail, "strip: X: y"));
	reader_free(&session);
}
END_TEST

/* What the engine makes of a text, as "tile tile ..."; - is a gap. */
static void
expect_tiles(const char *text, const char *want)
{
	char got[512] = "";
	struct walk walk;
	struct walk_unit unit;

	read_one(text);
	walk_open(&walk, &session.wire);
	while (walk_next(&walk, &unit)) {
		const char *name = unit.what == WALK_TILE ?
		    smtp_tile_name(unit.ev.tile) : "-";
		size_t n = strlen(got);

		if (unit.what == WALK_TILE || unit.what == WALK_GAP)
			(void)snprintf(got + n, sizeof(got) - n, "%s%s",
			    n ? " " : "", name);
	}
	walk_close(&walk);
	reader_free(&session);
	ck_assert_str_eq(got, want);
}

#define ENVELOPE \
	"<- 220 hi\n -> MAIL FROM:<>\n<- 250 ok\n -> RCPT TO:<a>\n<- 250 ok\n"
#define ENVELOPE_TILES "reply command reply command reply "

START_TEST(hidden_content_has_its_last_line)
{
	expect_tiles(ENVELOPE " -> DATA\n<- 354 go\n"
	    " -> [1,482 bytes sha256 00]\n<- 250 ok\n -> QUIT\n<- 221 bye\n",
	    ENVELOPE_TILES "command reply - end-of-data reply command reply");
}
END_TEST

START_TEST(a_gap_may_hide_the_end_of_data)
{
	expect_tiles(ENVELOPE " -> DATA\n<- 354 go\n"
	    " -> [1482 bytes not recorded]\n<- 250 ok\n -> QUIT\n<- 221 bye\n",
	    ENVELOPE_TILES "command reply - reply command reply");
}
END_TEST

START_TEST(a_gap_is_counted_off_a_chunk)
{
	expect_tiles(ENVELOPE " -> BDAT 1482 LAST\n"
	    " -> [1,482 bytes]\n<- 250 ok\n -> QUIT\n<- 221 bye\n",
	    ENVELOPE_TILES "command - reply command reply");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("reader");
	TCase *tests = tcase_create("reader");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, lines_of_one_side_are_one_segment);
	tcase_add_test(tests, times_cut_segments);
	tcase_add_test(tests, times_put_lines_in_order);
	tcase_add_test(tests, head_and_tail_are_read);
	tcase_add_test(tests, a_file_may_hold_several_sessions);
	tcase_add_test(tests, mistakes_name_their_line);
	tcase_add_test(tests,
	    lines_of_ours_without_times_are_told_by_what_is_before);
	tcase_add_test(tests, lines_of_ours_with_a_time_are_our_own);
	tcase_add_test(tests, each_reply_of_ours_by_hand_is_one);
	tcase_add_test(tests,
	    a_withheld_message_that_is_not_shown_ends_withheld);
	tcase_add_test(tests, rules_are_read);
	tcase_add_test(tests, hidden_content_has_its_last_line);
	tcase_add_test(tests, a_gap_may_hide_the_end_of_data);
	tcase_add_test(tests, a_gap_is_counted_off_a_chunk);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
