/* Whether a client says what the recorded one said. */
#include <check.h>
#include <stdlib.h>

#include "replay/match.h"
#include "tests/unit/tape.h"

static bool
match(const char *recorded, const char *line, bool verbs)
{
	const char *lines[] = { "S:220 mx\r\n", recorded, NULL };
	char error[RECORD_ERROR_MAX];
	struct span in = span_of(line);
	struct smtp_session smtp;
	struct store_wire wire;
	struct smtp_event ev;
	struct script s;
	bool same;

	tape_make(&wire, lines);
	ck_assert(script_read(&s, &wire, error));
	smtp_start(&smtp);
	ck_assert_int_eq(smtp_next(&smtp, SMTP_CLIENT, &in, &ev), SMTP_EVENT);
	same = match_line(&s, &s.tiles[0], &ev, verbs);
	script_free(&s);
	tape_free(&wire);
	return same;
}

START_TEST(lines_match_but_for_what_is_volatile)
{
	static const struct {
		const char *recorded, *line;
		bool strict, verb;
	} rows[] = {
		{ "C:EHLO a\r\n", "ehlo b\r\n", true, true },
		{ "C:EHLO a\r\n", "HELO a\r\n", false, false },
		{ "C:MAIL FROM:<a@b>\r\n", "mail from:<a@b>\r\n", true, true },
		{ "C:MAIL FROM:<a@b>\r\n", "MAIL FROM:<A@b>\r\n", false, true },
		{ "C:MAIL FROM:<a@b> SIZE=1\r\n", "MAIL FROM:<a@b> size=2\r\n",
		    true, true },
		{ "C:MAIL FROM:<a@b> SIZE=1\r\n", "MAIL FROM:<a@b>\r\n",
		    false, true },
		{ "C:MAIL FROM:<a@b> RET=HDRS ENVID=1\r\n",
		    "MAIL FROM:<a@b> RET=HDRS ENVID=2\r\n", true, true },
		{ "C:MAIL FROM:<a@b> RET=HDRS\r\n",
		    "MAIL FROM:<a@b> RET=FULL\r\n", false, true },
		{ "C:RCPT TO:<a@b> NOTIFY=NEVER\r\n",
		    "RCPT TO:<a@b> NOTIFY=NEVER\r\n", true, true },
		{ "C:RCPT\r\n", "RCPT TO:<a@b>\r\n", false, true },
		{ "C:AUTH PLAIN cmVkYWN0ZWQ=\r\n", "AUTH PLAIN AGEAYg==\r\n",
		    true, true },
		{ "C:AUTH PLAIN cmVkYWN0ZWQ=\r\n", "AUTH PLAIN\r\n",
		    false, true },
		{ "C:AUTH PLAIN\r\n", "AUTH LOGIN\r\n", false, true },
		{ "C:BDAT 3 LAST\r\n", "BDAT 300 LAST\r\n", true, true },
		{ "C:BDAT 3 LAST\r\n", "BDAT 3\r\n", false, false },
		{ "C:VRFY joe\r\n", "VRFY jim\r\n", false, true },
		{ "C:FOO bar\r\n", "FOO bar\r\n", true, true },
		{ "C:FOO bar\r\n", "BAR foo\r\n", false, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_msg(match(rows[i].recorded, rows[i].line, false) ==
		    rows[i].strict, "strict: %s", rows[i].line);
		ck_assert_msg(match(rows[i].recorded, rows[i].line, true) ==
		    rows[i].verb, "verb: %s", rows[i].line);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("match");
	TCase *tests = tcase_create("match");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, lines_match_but_for_what_is_volatile);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
