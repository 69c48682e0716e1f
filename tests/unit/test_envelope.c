/* Other names in the commands of a recording. */
#include <check.h>
#include <stdlib.h>

#include "replay/envelope.h"
#include "tests/unit/tape.h"

static const struct envelope all = {
	.helo = "new.example", .mail_from = "<s@new.example>",
	.rcpt_to = "r+1@new.example",
};

/* What is sent instead of this line by the client. */
static void
check_edit(const struct envelope *e, const char *line, const char *expected)
{
	const char *lines[] = { "S:220 mx\r\n", line, NULL };
	char error[RECORD_ERROR_MAX];
	struct store_wire wire;
	struct script s;
	struct span sent;

	tape_make(&wire, lines);
	ck_assert(script_read(&s, &wire, error));
	ck_assert(envelope_apply(e, &s));
	sent = script_sent(&s, &s.tiles[0]);
	ck_assert_msg(sent.n == strlen(expected) &&
	    memcmp(sent.p, expected, sent.n) == 0, "%s gives %.*s", line + 2,
	    (int)sent.n, sent.p);
	script_free(&s);
	tape_free(&wire);
}

START_TEST(only_the_name_is_replaced)
{
	static const struct {
		const char *line, *expected;
	} rows[] = {
		{ "C:EHLO old.example\r\n", "EHLO new.example\r\n" },
		{ "C:helo  old\n", "helo  new.example\n" },
		{ "C:LHLO\r\n", "LHLO new.example\r\n" },
		{ "C:MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME\r\n",
		    "MAIL FROM:<s@new.example> SIZE=10 BODY=8BITMIME\r\n" },
		{ "C:MAIL FROM:<>\r\n", "MAIL FROM:<s@new.example>\r\n" },
		{ "C:mail from: <a@b>\r\n", "mail from: <s@new.example>\r\n" },
		{ "C:RCPT TO:<@x,@y:c@d> NOTIFY=NEVER\r\n",
		    "RCPT TO:<r+1@new.example> NOTIFY=NEVER\r\n" },
		{ "C:RCPT TO:<\"a>b\"@d>\r\n", "RCPT TO:<r+1@new.example>\r\n" },
		{ "C:RCPT TO:c@d\r\n", "RCPT TO:<r+1@new.example>\r\n" },
		{ "C:RCPT TO:\r\n", "RCPT TO:<r+1@new.example>\r\n" },
		{ "C:RCPT c@d\r\n", "RCPT TO:<r+1@new.example>\r\n" },
		{ "C:RCPT\r\n", "RCPT TO:<r+1@new.example>\r\n" },
		{ "C:RCPT TO:<c@d> ORCPT=rfc822;c@d NOTIFY=NEVER\r\n",
		    "RCPT TO:<r+1@new.example> ORCPT=rfc822;r+2B1@new.example "
		    "NOTIFY=NEVER\r\n" },
		{ "C:NOOP <a@b>\r\n", "NOOP <a@b>\r\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_edit(&all, rows[i].line, rows[i].expected);
}
END_TEST

START_TEST(what_is_not_named_stays)
{
	static const struct envelope none = { 0 };

	check_edit(&none, "C:RCPT TO:<c@d>\r\n", "RCPT TO:<c@d>\r\n");
	check_edit(&none, "C:EHLO c\r\n", "EHLO c\r\n");
}
END_TEST

START_TEST(the_sender_may_be_empty)
{
	static const struct envelope bounce = { .mail_from = "<>" };

	check_edit(&bounce, "C:MAIL FROM:<a@b>\r\n", "MAIL FROM:<>\r\n");
}
END_TEST

START_TEST(names_that_would_break_a_command_are_refused)
{
	static const char *const bad[] = {
		"a@b\r\nDATA", "a b@c", "<a@b>>", "a@b>", "a\x7f@b",
	};

	ck_assert_ptr_null(envelope_check(&all));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_ptr_nonnull(envelope_check(
		    &(struct envelope){ .rcpt_to = bad[i] }));
		ck_assert_ptr_nonnull(envelope_check(
		    &(struct envelope){ .mail_from = bad[i] }));
		ck_assert_ptr_nonnull(envelope_check(
		    &(struct envelope){ .helo = bad[i] }));
	}
	ck_assert_ptr_nonnull(envelope_check(
	    &(struct envelope){ .rcpt_to = "<>" }));
	ck_assert_ptr_nonnull(envelope_check(
	    &(struct envelope){ .helo = "" }));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("envelope");
	TCase *tests = tcase_create("envelope");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, only_the_name_is_replaced);
	tcase_add_test(tests, what_is_not_named_stays);
	tcase_add_test(tests, the_sender_may_be_empty);
	tcase_add_test(tests, names_that_would_break_a_command_are_refused);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
