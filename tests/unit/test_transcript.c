/* What inspect/transcript.c promises: text gives the same bytes back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/transcript.h"

/* The text of one line of the wire, as a writer of transcripts makes it. */
static size_t
write_line(const char *mark, struct span line, size_t room, char *out)
{
	bool whole = line.n >= 2 && memcmp(line.p + line.n - 2, "\r\n", 2) == 0;
	bool lf = line.n && line.p[line.n - 1] == '\n';
	bool front = true;
	size_t n = strlen(mark);

	memcpy(out, mark, n);
	if (whole)
		line.n -= 2;
	while (line.n) {
		n += transcript_escape(&line, front, out + n, room);
		front = false;
	}
	if (!lf) {
		memcpy(out + n, "\\c", 2);
		n += 2;
	}
	out[n++] = '\n';
	return n;
}

static struct transcript_line
parse(const char *text)
{
	static char out[4096];
	struct transcript_line got = { .what = TRANSCRIPT_BAD };
	struct span line = span_of(text);

	transcript_parse(&line, out, &got);
	return got;
}

static void
expect_bytes(const char *text, struct span bytes)
{
	struct transcript_line got = parse(text);

	ck_assert_msg(got.what == TRANSCRIPT_BYTES, "%s: what=%d %.*s", text,
	    got.what, (int)got.text.n, got.text.p);
	ck_assert_msg(got.bytes.n == bytes.n, "%s: %zu octets", text,
	    got.bytes.n);
	ck_assert_mem_eq(got.bytes.p, bytes.p, bytes.n);
}

static void
expect_round_trip(struct span line, size_t room)
{
	static char text[65536], out[65536];
	struct transcript_line got = { .what = TRANSCRIPT_BAD };
	size_t n = write_line("<-  ", line, room, text), controls = 0;
	struct span s = { text, n };

	transcript_parse(&s, out, &got);
	ck_assert_msg(got.what == TRANSCRIPT_BYTES && !got.more && s.n == 0,
	    "what=%d of %.*s", got.what, (int)n, text);
	ck_assert_int_eq(got.side, SMTP_SERVER);
	ck_assert_msg(got.bytes.n == line.n &&
	    memcmp(got.bytes.p, line.p, line.n) == 0, "lost in %.*s",
	    (int)n, text);
	for (size_t i = 0; i + 1 < n; i++)
		controls += (unsigned char)text[i] < ' ' && text[i] != '\t';
	ck_assert_uint_eq(controls, 0);
	if (n > strlen("<-  \n"))
		ck_assert(text[n - 2] != ' ' && text[n - 2] != '\t');
}

/* Every line that could be taken for something else in the notation. */
START_TEST(deceptive_lines_come_back)
{
	static const struct span lines[] = {
		SPAN("x"), SPAN("\r\n"), SPAN("\n"), SPAN("\r"), SPAN("\r\r\n"),
		SPAN("\\"), SPAN("\\c"), SPAN("\\c\r\n"), SPAN("\\n\r\n"),
		SPAN("\\{+0.1}\r\n"), SPAN("[3 bytes]\r\n"),
		SPAN("[127.0.0.1]\r\n"), SPAN("[\r\n"), SPAN(" [3 bytes]\r\n"),
		SPAN(" \r\n"), SPAN("  two\r\n"), SPAN("\ttab\t\r\n"),
		SPAN("two  \r\n"), SPAN("two \n"), SPAN("two "),
		SPAN(" -> EHLO\r\n"), SPAN("*** event\r\n"),
		SPAN("=== session\r\n"), SPAN("# comment\r\n"),
		SPAN("+0.1 <-  220\r\n"), SPAN("a\0b\r\n"), SPAN("\0"),
		SPAN("a\rb\r\n"), SPAN("\x80\xff\xc3\r\n"),
		SPAN("gr\xc3\xbc\xc3\x9f\r\n"), SPAN("\xc2\x9b" "31m\r\n"),
		SPAN("\xe2\x80\xae rtl\r\n"), SPAN("\xed\xa0\x80\r\n"),
		SPAN("\xf4\x90\x80\x80\r\n"), SPAN("\xc0\x80\r\n"),
		SPAN("\x1b[31m\r\n"), SPAN("\xf0\x9f\x93\xa7\r\n"),
		SPAN("\xe2\x82"), SPAN("\x7f\r\n"),
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		expect_round_trip(lines[i], 4096);
		expect_round_trip(lines[i], 8);
	}
}
END_TEST

/* Random lines from an alphabet of trouble, and from all octets. */
START_TEST(any_bytes_come_back)
{
	static const char trouble[] = "\\\\[]{}+0.19cnrx \t\r<->=*#~\0\x80"
	    "\xc3\xbc\xe2\x80\xae" "abytes";
	char bytes[300];
	unsigned seed = 20261122;

	for (int round = 0; round < 20000; round++) {
		size_t n = 1 + (size_t)rand_r(&seed) % (round % 7 ? 24 : 299);
		bool all = round % 3 == 0;

		for (size_t i = 0; i < n; i++)
			do {
				int r = rand_r(&seed);

				bytes[i] = all ? (char)(r >> 4) :
				    trouble[(size_t)r % (sizeof(trouble) - 1)];
			} while (bytes[i] == '\n');
		if (round % 4)
			bytes[n - 1] = '\n';
		expect_round_trip((struct span){ bytes, n },
		    8 + (size_t)round % 40);
	}
}
END_TEST

START_TEST(printable_text_stays_readable)
{
	char out[64];
	struct span in = SPAN("250 2.1.5 gr\xc3\xbc\xc3\x9f <a@[127.0.0.1]>");
	struct span same = in;
	size_t n = transcript_escape(&in, true, out, sizeof(out));

	ck_assert_uint_eq(n, same.n);
	ck_assert_mem_eq(out, same.p, n);
}
END_TEST

START_TEST(marks_say_who_and_what)
{
	static const struct {
		const char *text;
		struct transcript_line want;
	} rows[] = {
		{ " -> a", { .side = SMTP_CLIENT } },
		{ "<-  a", { .side = SMTP_SERVER } },
		{ " ~> a", { .side = SMTP_CLIENT, .tls = true } },
		{ "<~  a", { .side = SMTP_SERVER, .tls = true } },
		{ "-x> a", { .side = SMTP_CLIENT, .held = true } },
		{ "<x- a", { .side = SMTP_SERVER, .held = true } },
		{ "=>  a", { .side = SMTP_CLIENT, .own = true } },
		{ "<=  a", { .side = SMTP_SERVER, .own = true } },
		{ "**> a", { .side = SMTP_CLIENT, .odd = true } },
		{ "<** a", { .side = SMTP_SERVER, .odd = true } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct transcript_line got = parse(rows[i].text);

		expect_bytes(rows[i].text, SPAN("a\r\n"));
		ck_assert_int_eq(got.side, rows[i].want.side);
		ck_assert_int_eq(got.own, rows[i].want.own);
		ck_assert_int_eq(got.held, rows[i].want.held);
		ck_assert_int_eq(got.odd, rows[i].want.odd);
		ck_assert_int_eq(got.tls, rows[i].want.tls);
		ck_assert_mem_eq(transcript_mark(&got), rows[i].text, 4);
	}
}
END_TEST

/* What editors and people do to blanks. */
START_TEST(missing_blanks_are_forgiven)
{
	expect_bytes(" ->", SPAN("\r\n"));
	expect_bytes("<-", SPAN("\r\n"));
	expect_bytes("<- 220 x\r\n", SPAN("220 x\r\n"));
	expect_bytes("-> EHLO x\n", SPAN("EHLO x\r\n"));
	expect_bytes("        <-  220 x\n", SPAN("220 x\r\n"));
	expect_bytes("<-    two\n", SPAN("  two\r\n"));
	ck_assert_int_eq(parse("<-220 x").what, TRANSCRIPT_BAD);
}
END_TEST

START_TEST(times_are_read_and_written)
{
	static const struct {
		const char *text;
		int64_t t_us;
	} rows[] = {
		{ "+0.000000", 0 }, { "+0.000412", 412 },
		{ "+1.000000", 1000000 }, { "+86400.123456", 86400123456 },
	};
	char out[TRANSCRIPT_TIME_MAX], line[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct transcript_line got;
		size_t n = transcript_time(rows[i].t_us, out);

		ck_assert_uint_eq(n, strlen(rows[i].text));
		ck_assert_mem_eq(out, rows[i].text, n);
		(void)snprintf(line, sizeof(line), "  %s  -> x", rows[i].text);
		got = parse(line);
		ck_assert_int_eq(got.what, TRANSCRIPT_BYTES);
		ck_assert(got.timed && got.t_us == rows[i].t_us);
	}
	ck_assert_uint_eq(transcript_time(INT64_MAX, out), 21);
	ck_assert_int_eq(parse("+0.5 <-  x").t_us, 500000);
	ck_assert_int_eq(parse("+0.5").what, TRANSCRIPT_BAD);
	ck_assert_int_eq(parse("+5 <-  x").what, TRANSCRIPT_BAD);
	ck_assert_int_eq(parse("+0.1234567 <-  x").what, TRANSCRIPT_BAD);
	ck_assert_int_eq(parse("+9999999999999.0 <-  x").what, TRANSCRIPT_BAD);
}
END_TEST

START_TEST(a_segment_may_end_inside_a_line)
{
	static const char text[] =
	    "+0.1  -> EH\\{+0.2}LO x\\{+0.3}\n -> next\n";
	static const struct {
		struct span bytes;
		int64_t t_us;
		bool more;
	} want[] = {
		{ SPAN("EH"), 100000, true }, { SPAN("LO x"), 200000, true },
		{ SPAN("\r\n"), 300000, false }, { SPAN("next\r\n"), 0, false },
	};
	char out[64];
	struct transcript_line got = { .what = TRANSCRIPT_BAD };
	struct span line = SPAN(text);

	for (size_t i = 0; i < 4; i++) {
		transcript_parse(&line, out, &got);
		ck_assert_int_eq(got.what, TRANSCRIPT_BYTES);
		ck_assert_int_eq(got.side, SMTP_CLIENT);
		ck_assert_uint_eq(got.bytes.n, want[i].bytes.n);
		ck_assert_mem_eq(got.bytes.p, want[i].bytes.p, got.bytes.n);
		ck_assert_int_eq(got.more, want[i].more);
		ck_assert_int_eq(got.timed, i < 3);
		ck_assert_int_eq(got.t_us, want[i].t_us);
	}
	ck_assert_uint_eq(line.n, 0);
}
END_TEST

START_TEST(omitted_bytes_are_counted)
{
	static const struct {
		const char *text;
		uint64_t octets;
	} rows[] = {
		{ " -> [1,482 bytes sha256 00ff]\n", 1482 },
		{ "<-  [1 byte]", 1 },
		{ " ~> [517 bytes opaque]", 517 },
		{ " -> [18446744073709551609 bytes]", 18446744073709551609u },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(parse(rows[i].text).what, TRANSCRIPT_OMITTED);
		ck_assert(parse(rows[i].text).octets == rows[i].octets);
	}
	ck_assert_int_eq(parse(" -> [99999999999999999999 bytes]").what,
	    TRANSCRIPT_BYTES);
	ck_assert_int_eq(parse(" -> [7]").what, TRANSCRIPT_BYTES);
	ck_assert_int_eq(parse(" -> [7 bytes").what, TRANSCRIPT_BYTES);
}
END_TEST

static void
expect_text(const char *line, enum transcript_what what, const char *text)
{
	struct transcript_line got = parse(line);

	ck_assert_int_eq(got.what, what);
	ck_assert_uint_eq(got.text.n, strlen(text));
	ck_assert_mem_eq(got.text.p, text, got.text.n);
}

START_TEST(the_other_lines)
{
	expect_text("=== session 0197  now  a -> b\n", TRANSCRIPT_SESSION,
	    "0197  now  a -> b");
	expect_text("=== closed by client  0.118s", TRANSCRIPT_CLOSED,
	    "client  0.118s");
	expect_text("*** bare-lf: why/where", TRANSCRIPT_EVENT,
	    "bare-lf: why/where");
	expect_text("*** TLS with the client: TLSv1.3 X, 1 ms",
	    TRANSCRIPT_SECURED, "TLSv1.3 X, 1 ms");
	expect_text("+0.1 *** TLS with the server", TRANSCRIPT_SECURED, "");
	ck_assert_int_eq(parse("*** TLS with the server").side, SMTP_SERVER);
	ck_assert_int_eq(parse("*** TLS with the servers").what,
	    TRANSCRIPT_EVENT);
	ck_assert_int_eq(parse("+0.1 === server ends").what, TRANSCRIPT_FIN);
	ck_assert_int_eq(parse("+0.1 === server ends").side, SMTP_SERVER);
	ck_assert_int_eq(parse("=== client resets").what, TRANSCRIPT_RESET);
	ck_assert_int_eq(parse("# anything").what, TRANSCRIPT_COMMENT);
	ck_assert_int_eq(parse("").what, TRANSCRIPT_COMMENT);
	ck_assert_int_eq(parse("  \n").what, TRANSCRIPT_COMMENT);
}
END_TEST

START_TEST(what_is_no_line_says_why)
{
	static const char *const lines[] = {
		"EHLO x", "> x", "<", " -> \\q", " -> \\", " -> \\x4",
		" -> \\xgg", " -> a\\cb", " -> \\", "=== what", "===",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct transcript_line got = parse(lines[i]);

		ck_assert_msg(got.what == TRANSCRIPT_BAD, "%s", lines[i]);
		ck_assert_msg(got.text.n > 0, "%s", lines[i]);
	}
}
END_TEST

START_TEST(a_bad_segment_mark_says_why)
{
	static const char *const lines[] = {
		" -> a\\{", " -> a\\{}", " -> a\\{+0.1", " -> a\\{0.1}",
	};
	char out[64];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct transcript_line got = { .what = TRANSCRIPT_BAD };
		struct span line = span_of(lines[i]);

		transcript_parse(&line, out, &got);
		ck_assert(got.what == TRANSCRIPT_BYTES && got.more);
		transcript_parse(&line, out, &got);
		ck_assert(got.what == TRANSCRIPT_BAD && !got.more);
		ck_assert_uint_eq(line.n, 0);
	}
}
END_TEST

/* Any text whatever: it ends, and writes no more than it may. */
START_TEST(any_text_is_read_to_its_end)
{
	static const char trouble[] = " ->\\{+0.1}cxn<=~*#[3 bytes]\n\r";
	char text[200], out[202];
	unsigned seed = 5321;

	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand_r(&seed) % sizeof(text);
		struct span line = { text, n };
		struct transcript_line got = { .what = TRANSCRIPT_BAD };

		for (size_t i = 0; i < n; i++)
			text[i] = trouble[(size_t)rand_r(&seed) %
			    (sizeof(trouble) - 1)];
		for (size_t calls = 0; line.n || got.more; calls++) {
			ck_assert_uint_le(calls, 2 * sizeof(text));
			transcript_parse(&line, out, &got);
			if (got.what == TRANSCRIPT_BYTES)
				ck_assert_uint_le(got.bytes.n, n + 2);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("transcript");
	TCase *tests = tcase_create("transcript");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, deceptive_lines_come_back);
	tcase_add_test(tests, any_bytes_come_back);
	tcase_add_test(tests, printable_text_stays_readable);
	tcase_add_test(tests, marks_say_who_and_what);
	tcase_add_test(tests, missing_blanks_are_forgiven);
	tcase_add_test(tests, times_are_read_and_written);
	tcase_add_test(tests, a_segment_may_end_inside_a_line);
	tcase_add_test(tests, omitted_bytes_are_counted);
	tcase_add_test(tests, the_other_lines);
	tcase_add_test(tests, what_is_no_line_says_why);
	tcase_add_test(tests, a_bad_segment_mark_says_why);
	tcase_add_test(tests, any_text_is_read_to_its_end);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
