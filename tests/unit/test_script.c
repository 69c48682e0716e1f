/* A recording, cut for playing. */
#include <check.h>
#include <stdlib.h>

#include "replay/script.h"
#include "tests/unit/tape.h"

static const char *const mail[] = {
	"S:220 mx\r\n", "C:EHLO c\r\n", "S:250-mx\r\n", "S:250 PIPELINING\r\n",
	"C:MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
	"S:250 ok\r\n250 ok\r\n354 go\r\n", "C:one\r\n", "C:two\r\n.\r\n",
	"S:250 queued\r\n", "C:QUIT\r\n", "S:221 bye\r\n", "S!", "C!", NULL,
};

static void
load(struct script *s, const char *const lines[])
{
	char error[RECORD_ERROR_MAX] = "";
	struct store_wire wire;

	tape_make(&wire, lines);
	ck_assert_msg(script_read(s, &wire, error), "%s", error);
	tape_free(&wire);
}

static void
refuse(const char *const lines[], const char *why)
{
	char error[RECORD_ERROR_MAX] = "";
	struct store_wire wire;
	struct script s;

	tape_make(&wire, lines);
	ck_assert(!script_read(&s, &wire, error));
	ck_assert_msg(strstr(error, why) != NULL, "%s", error);
	script_free(&s);
	tape_free(&wire);
}

START_TEST(a_step_knows_the_replies_before_it)
{
	static const size_t expected[] = { 1, 2, 5, 5, 6 };
	struct script s;

	load(&s, mail);
	ck_assert_uint_eq(s.nsteps, 5);
	for (size_t i = 0; i < s.nsteps; i++)
		ck_assert_uint_eq(s.steps[i].replies, expected[i]);
	ck_assert_uint_eq(s.steps[4].to, s.client.n);
	ck_assert(s.server_closed);
	script_free(&s);
}
END_TEST

START_TEST(a_reply_knows_what_it_answers)
{
	static const struct {
		enum smtp_verb verb;
		size_t unit;
	} expected[] = {
		{ SMTP_CONNECT, 0 }, { SMTP_EHLO, 1 }, { SMTP_MAIL, 2 },
		{ SMTP_RCPT, 3 }, { SMTP_DATA, 4 }, { SMTP_END, 5 },
		{ SMTP_QUIT, 6 },
	};
	struct script s;

	load(&s, mail);
	ck_assert_uint_eq(s.nreplies, 7);
	for (size_t i = 0; i < s.nreplies; i++) {
		ck_assert_int_eq(s.replies[i].verb, expected[i].verb);
		ck_assert_uint_eq(s.replies[i].unit, expected[i].unit);
	}
	ck_assert_uint_eq(s.replies[1].lines.n,
	    strlen("250-mx\r\n250 PIPELINING\r\n"));
	script_free(&s);
}
END_TEST

static const char *const bridged[] = {
	"S:220 mx\r\n", "C:EHLO c\r\n", "S:250 STARTTLS\r\n",
	"C:STARTTLS\r\n", "Cxinjected", "Sx220 go\r\n", "S~TLSv1.3",
	"S=220 ready\r\n", "C~TLSv1.3", "C:EHLO c\r\n", "S:250 mx\r\n",
	"C:QUIT\r\n", "S:221 bye\r\n", NULL,
};

START_TEST(a_script_knows_where_the_client_came_to_tls)
{
	struct script s;

	load(&s, bridged);
	ck_assert_int_eq(s.tls, SCRIPT_STARTTLS);
	ck_assert_uint_eq(s.secured.replies, 3);
	ck_assert_uint_eq(s.secured.steps, 3);
	ck_assert_uint_eq(s.secured.units, 2);
	ck_assert_uint_eq(s.nreplies, 5);
	ck_assert_int_eq(s.replies[2].verb, SMTP_STARTTLS);
	ck_assert_int_eq(s.replies[3].verb, SMTP_EHLO);
	ck_assert_uint_eq(s.replies[3].unit, 3);
	ck_assert_int_eq(s.replies[4].verb, SMTP_QUIT);
	script_free(&s);
}
END_TEST

START_TEST(tls_with_the_connection_is_known_as_such)
{
	static const char *const lines[] = { "C~TLSv1.3", "S:220 mx\r\n",
	    "C:QUIT\r\n", "S:221 bye\r\n", NULL };
	static const char *const later[] = { "S:220 mx\r\n", "C~TLSv1.3",
	    "C:QUIT\r\n", "S:221 bye\r\n", NULL };
	struct script s;

	for (int i = 0; i < 2; i++) {
		load(&s, i ? later : lines);
		ck_assert_int_eq(s.tls, SCRIPT_TLS);
		ck_assert_int_eq(s.replies[0].verb, SMTP_CONNECT);
		ck_assert_uint_eq(s.nreplies, 2);
		script_free(&s);
	}
}
END_TEST

START_TEST(of_tls_with_the_server_a_client_knows_nothing)
{
	static const char *const lines[] = { "S:220 mx\r\n", "C:EHLO c\r\n",
	    "Sx250 STARTTLS\r\n", "C=STARTTLS\r\n", "Sx220 go\r\n",
	    "S~TLSv1.3", "C=EHLO c\r\n", "S:250 mx\r\n", "C:QUIT\r\n",
	    "S:221 bye\r\n", NULL };
	struct script s;

	load(&s, lines);
	ck_assert_int_eq(s.tls, SCRIPT_CLEAR);
	ck_assert_uint_eq(s.nreplies, 3);
	ck_assert_int_eq(s.replies[2].verb, SMTP_QUIT);
	script_free(&s);
}
END_TEST

START_TEST(tiles_are_the_stream_laid_end_to_end)
{
	size_t at = 0;
	struct script s;

	load(&s, mail);
	for (size_t i = 0; i < s.ntiles; i++) {
		ck_assert_uint_eq(s.tiles[i].from, at);
		at += s.tiles[i].n;
	}
	ck_assert_uint_eq(at, s.client.n);
	script_free(&s);
}
END_TEST

START_TEST(lmtp_has_a_reply_for_each_recipient)
{
	static const char *const lines[] = {
		"S:220 mx\r\n", "C:LHLO c\r\n", "S:250 mx\r\n",
		"C:MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\n"
		"DATA\r\n", "S:250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n",
		"C:x\r\n.\r\nQUIT\r\n", "S:250 one\r\n450 two\r\n221 bye\r\n",
		NULL,
	};
	struct script s;

	load(&s, lines);
	ck_assert_uint_eq(s.nreplies, 9);
	ck_assert_uint_eq(s.replies[6].unit, 6);
	ck_assert_uint_eq(s.replies[7].unit, 6);
	ck_assert_uint_eq(s.replies[8].unit, 7);
	script_free(&s);
}
END_TEST

START_TEST(a_chunk_is_answered_behind_its_octets)
{
	static const char *const lines[] = {
		"S:220 mx\r\n", "C:EHLO c\r\n", "S:250-mx\r\n250 CHUNKING\r\n",
		"C:MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 3\r\nab",
		"C:cBDAT 0 LAST\r\n", "S:250 1\r\n250 2\r\n250 3\r\n250 4\r\n",
		NULL,
	};
	struct script s;

	load(&s, lines);
	ck_assert_uint_eq(s.ntiles, 6);
	ck_assert(!s.tiles[3].unit);		/* BDAT 3 */
	ck_assert(s.tiles[4].unit);		/* abc, in two segments */
	ck_assert_uint_eq(s.tiles[4].n, 3);
	ck_assert(s.tiles[5].unit);		/* BDAT 0 LAST */
	ck_assert_uint_eq(s.replies[s.nreplies - 1].unit, 5);
	script_free(&s);
}
END_TEST

static void
expect_text(const struct text *got, const char *want)
{
	ck_assert_msg(got->n == strlen(want) &&
	    memcmp(got->p, want, got->n) == 0, "%.*s", (int)got->n, got->p);
}

START_TEST(it_is_the_session_as_the_client_had_it)
{
	static const char *const lines[] = {
		"Sx220 real\r\n", "S+220 mask\r\n", "C:EHLO c\r\n",
		"S:250-mx\r\n", "Sx250-STARTTLS\r\n", "S:250 SIZE\r\n",
		"CxVRFY joe\r\n", "S=502 no\r\n", "C:NO", "CxXX", "C+OP",
		"C:\r\n", "S:250 ok\r\n", NULL,
	};
	struct script s;

	load(&s, lines);
	expect_text(&s.client, "EHLO c\r\nVRFY joe\r\nNOXX\r\n");
	expect_text(&s.server,
	    "220 mask\r\n250-mx\r\n250 SIZE\r\n502 no\r\n250 ok\r\n");
	ck_assert_uint_eq(s.nreplies, 4);
	ck_assert_int_eq(s.replies[2].verb, SMTP_VRFY);
	ck_assert_int_eq(s.replies[2].code, 502);
	ck_assert_uint_eq(s.replies[2].unit, 2);
	script_free(&s);
}
END_TEST

START_TEST(a_session_that_was_cut_off_is_played_as_far_as_it_went)
{
	static const char *const lines[] = {
		"S:220 mx\r\n", "C:EHLO c\r\n", "S:250 mx\r\n", "C:MAIL FR",
		NULL,
	};
	struct script s;

	load(&s, lines);
	ck_assert_uint_eq(s.nreplies, 2);
	ck_assert_uint_eq(s.nsteps, 2);
	ck_assert_uint_eq(s.client.n, strlen("EHLO c\r\nMAIL FR"));
	ck_assert_uint_eq(s.ntiles, 2);
	script_free(&s);
}
END_TEST

START_TEST(tls_cannot_be_played)
{
	static const char *const lines[] = {
		"S:220 mx\r\n", "C:STARTTLS\r\n", "S:220 go\r\n", "C:\x16\x03",
		NULL,
	};

	refuse(lines, "TLS");
}
END_TEST

START_TEST(a_gap_cannot_be_played)
{
	static const char *const lines[] = {
		"S:220 mx\r\n", "C?", "S:250 ok\r\n", NULL,
	};

	refuse(lines, "not recorded");
}
END_TEST

START_TEST(a_recording_without_bytes_is_empty)
{
	static const char *const lines[] = { NULL };
	struct script s;

	load(&s, lines);
	ck_assert_uint_eq(s.nreplies + s.nsteps + s.ntiles, 0);
	script_free(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script");
	TCase *tests = tcase_create("script");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, a_step_knows_the_replies_before_it);
	tcase_add_test(tests, a_reply_knows_what_it_answers);
	tcase_add_test(tests, a_script_knows_where_the_client_came_to_tls);
	tcase_add_test(tests, tls_with_the_connection_is_known_as_such);
	tcase_add_test(tests, of_tls_with_the_server_a_client_knows_nothing);
	tcase_add_test(tests, tiles_are_the_stream_laid_end_to_end);
	tcase_add_test(tests, lmtp_has_a_reply_for_each_recipient);
	tcase_add_test(tests, a_chunk_is_answered_behind_its_octets);
	tcase_add_test(tests, it_is_the_session_as_the_client_had_it);
	tcase_add_test(tests, a_session_that_was_cut_off_is_played_as_far_as_it_went);
	tcase_add_test(tests, tls_cannot_be_played);
	tcase_add_test(tests, a_gap_cannot_be_played);
	tcase_add_test(tests, a_recording_without_bytes_is_empty);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
