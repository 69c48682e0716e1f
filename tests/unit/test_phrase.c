/* There is something to say for every reply, and it can be said. */
#include <check.h>
#include <stdlib.h>

#include "inspect/phrase.h"

/* Each phrase is one line of printable words that fit a reply. */
START_TEST(phrases_can_be_sent)
{
	static const char *const phrases[] = {
#define PHRASE(code, verb, keeps, words, section) words,
#include "inspect/phrases.def"
#undef PHRASE
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		ck_assert_uint_lt(strlen(phrases[i]), 80);
		for (const char *p = phrases[i]; *p; p++)
			ck_assert_msg(*p >= ' ' && *p < 0x7f, "%s", phrases[i]);
	}
}
END_TEST

START_TEST(every_reply_has_words)
{
	for (int code = 100; code < 1000; code++)
		for (int verb = 0; verb < SMTP_VERBS; verb++) {
			struct phrase p = phrase_find(code,
			    (enum smtp_verb)verb, SPAN("Mailer 4.2"), true);

			ck_assert_msg(p.keeps > PHRASE_PART || p.words.n,
			    "%d to %s", code,
			    smtp_verb_name((enum smtp_verb)verb));
			ck_assert(p.keeps != PHRASE_PART);
		}
}
END_TEST

START_TEST(a_part_is_kept_only_if_it_is_there)
{
	struct span text = SPAN("see <joe@new> or <ann@new>");
	struct phrase p = phrase_find(551, SMTP_RCPT, text, true);

	ck_assert_int_eq(p.keeps, PHRASE_PART);
	ck_assert(p.part.p == text.p + 4 && p.part.n == 9);
	p = phrase_find(551, SMTP_RCPT, SPAN("see < joe@new>"), true);
	ck_assert_int_eq(p.keeps, PHRASE_NOTHING);
	p = phrase_find(551, SMTP_RCPT, SPAN("see <joe@new"), true);
	ck_assert_int_eq(p.keeps, PHRASE_NOTHING);
	p = phrase_find(551, SMTP_RCPT, SPAN(""), true);
	ck_assert_int_eq(p.keeps, PHRASE_NOTHING);
}
END_TEST

START_TEST(a_queue_id_is_a_part_only_if_asked_for)
{
	struct span text = SPAN("Ok: queued as 4XyZ1");

	ck_assert_int_eq(phrase_find(250, SMTP_END, text, true).keeps,
	    PHRASE_PART);
	ck_assert_int_eq(phrase_find(250, SMTP_END, text, false).keeps,
	    PHRASE_NOTHING);
	ck_assert_int_eq(phrase_find(250, SMTP_RCPT, text, true).keeps,
	    PHRASE_NOTHING);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("phrase");
	TCase *tests = tcase_create("phrase");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, phrases_can_be_sent);
	tcase_add_test(tests, every_reply_has_words);
	tcase_add_test(tests, a_part_is_kept_only_if_it_is_there);
	tcase_add_test(tests, a_queue_id_is_a_part_only_if_asked_for);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
