/* Mail content: scanned by blocks or octet by octet, it is the same. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "play.h"

#define BODY_MAX 700
#define BODIES 1500

/* Mostly text in lines, so that whole blocks are clean; then what is odd. */
static const char *const pieces[] = {
	"\r\n", "\r\n", "\r\n", "plain text of a line", "x", "a", ".", "..",
	"\n", "\r", "\r\n.", "\r\n..", "\n.\n", "\r\n.\n", "\xc3\xa4", "\r\r\n",
	"a line that is rather longer than a block of sixty-four octets is, so "
	"that some blocks hold no line end at all but only text",
};

static uint32_t seed;

static uint32_t
any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static size_t
random_body(char *out, bool with_odd)
{
	size_t n = 0, count = sizeof pieces / sizeof *pieces;

	while (n < BODY_MAX - 200) {
		const char *p = pieces[with_odd ? any((uint32_t)count) :
		    any(3) ? any(6) : count - 1];

		memcpy(out + n, p, strlen(p));
		n += strlen(p);
		if (with_odd && any(40) == 0)
			out[n++] = '\0';
		if (any(30) == 0)
			break;
	}
	memcpy(out + n, "\r\n.\r\n", 5);
	return n + 5;
}

static void
say(struct play *p, enum smtp_side side, const char *text)
{
	play_say(p, side, text, strlen(text));
}

static void
build(struct play *p, uint32_t number)
{
	char body[BODY_MAX + 300];

	seed = number;
	say(p, SMTP_SERVER, "220 mx\r\n");
	say(p, SMTP_CLIENT, "MAIL FROM:<a@example.com>\r\n");
	say(p, SMTP_SERVER, "250 ok\r\n");
	say(p, SMTP_CLIENT, "RCPT TO:<b@example.com>\r\n");
	say(p, SMTP_SERVER, "250 ok\r\n");
	say(p, SMTP_CLIENT, "DATA\r\n");
	say(p, SMTP_SERVER, "354 go\r\n");
	play_say(p, SMTP_CLIENT, body, random_body(body, number % 3 != 0));
	say(p, SMTP_SERVER, "250 ok\r\n");
}

START_TEST(body_in_blocks_is_the_same_as_octet_by_octet)
{
	static const size_t chunks[] = { 1, 7, 63, 64, 65, 129 };

	for (uint32_t number = 1; number <= BODIES; number++) {
		struct play_log whole[2], cut[2];
		struct play p;
		const char *why;

		play_init(&p);
		build(&p, number);
		why = play_run(&p, PLAY_SIDE_MAX, whole);
		ck_assert_msg(why == NULL, "body %u: %s", number, why);
		for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
			why = play_run(&p, chunks[i], cut);
			ck_assert_msg(why == NULL, "body %u: %s", number, why);
			ck_assert_msg(whole[0].n == cut[0].n &&
			    memcmp(whole[0].p, cut[0].p, cut[0].n) == 0,
			    "body %u in chunks of %zu:\n%.*swhole:\n%.*s",
			    number, chunks[i], (int)cut[0].n, cut[0].p,
			    (int)whole[0].n, whole[0].p);
			play_log_free(cut);
		}
		play_log_free(whole);
		play_free(&p);
	}
}
END_TEST

START_TEST(long_line_is_told_at_its_end_whatever_its_length)
{
	static const size_t lengths[] = { 998, 999, 1100, 70000 };
	char *line = calloc(1, 80000);
	struct play_log log[2];
	struct play p;

	memset(line, 'x', lengths[_i]);
	memcpy(line + lengths[_i], "\r\n.\r\n", 6);
	play_init(&p);
	say(&p, SMTP_SERVER, "220 mx\r\n");
	say(&p, SMTP_CLIENT, "DATA\r\n");
	say(&p, SMTP_SERVER, "354 go\r\n");
	say(&p, SMTP_CLIENT, line);
	ck_assert_ptr_null(play_run(&p, PLAY_SIDE_MAX, log));
	ck_assert_int_eq((log[0].anomalies & SMTP_ODD(LINE_LENGTH)) != 0,
	    lengths[_i] > 998);
	play_log_free(log);
	play_free(&p);
	free(line);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("content");
	TCase *t = tcase_create("scan");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, body_in_blocks_is_the_same_as_octet_by_octet);
	tcase_add_loop_test(t, long_line_is_told_at_its_end_whatever_its_length,
	    0, 4);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
