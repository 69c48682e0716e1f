/* Whatever a server says, and however few edits there are. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/scrubbing.h"

START_TEST(what_is_the_same_is_no_edit)
{
	struct scrub s = options(HOSTS | TEXT);
	struct smtp_event ev = event(SMTP_NOOP, SPAN("250 2.0.0 Requested mail "
	    "action okay, completed\r\n"), true);
	struct gate_edit edits[1];
	char made[GATE_MADE_MAX];
	size_t n_made = 0;

	ck_assert_uint_eq(scrub_line(&s, &ev, edits, 1, made, &n_made), 0);
}
END_TEST

START_TEST(one_edit_too_many_takes_the_rest)
{
	static const char line[] = "550 ex01 ex01 ex01 ex01\r\n";
	struct scrub s = options(HOSTS);
	char out[256];
	size_t n = scrubbed(&s, SMTP_MAIL, SPAN(line), true, 3, out);

	ck_assert_msg(n == 60 && memcmp(out, "550 front.example front.example "
	    "Requested action not taken\r\n", n) == 0, "%.*s", (int)n, out);
	n = scrubbed(&s, SMTP_MAIL, SPAN(line), true, 4, out);
	ck_assert(memmem(out, n, "ex01", 4) == NULL && n == 61);
	ck_assert(memmem(out, n, "Requested", 9) == NULL);
	n = scrubbed(&s, SMTP_MAIL, SPAN(line), true, 0, out);
	ck_assert(n == sizeof(line) - 1 && memcmp(out, line, n) == 0);
}
END_TEST

/* A line of bits and pieces that mean something here. */
static size_t
random_line(char *line)
{
	static const char *const bits[] = {
		"ex01", "mail.corp.example", "10.0.0.5", "198.51.100.4", "[", "]",
		"IPv6:", ".", " ", "-", "<", ">", "@", ":", "2.0.0", "queued as ",
		"id=", "4XyZ1", "Hello", "ESMTP", "\r", "\xff", "5.7.1 ", "a", ",",
	};
	size_t n = (size_t)sprintf(line, "%ld%s",
	    random() % 4 ? 200 + random() % 360 : 100 + random() % 900,
	    random() % 2 ? " " : "-");

	for (long i = random() % 90; i > 0; i--) {
		const char *bit = bits[(size_t)random() %
		    (sizeof(bits) / sizeof(bits[0]))];

		memcpy(line + n, bit, strlen(bit));
		n += strlen(bit);
	}
	memcpy(line + n, "\r\n", 2);
	return n + 2;
}

static bool
holds_whole(struct span text, struct span name)
{
	for (size_t at = 0; at + name.n <= text.n; at++) {
		bool before = at && memchr("@<, ", text.p[at - 1], 4);
		bool behind = at + name.n < text.n &&
		    memchr("@>,: ", text.p[at + name.n], 5);

		if (before && behind &&
		    span_alike(text.p + at, name.p, name.n))
			return true;
	}
	return false;
}

/* Whatever the server says: the code, the separator and the line's end stay, no
 * name that stands by itself does, and words of ours stay what they are. */
START_TEST(random_replies_are_scrubbed)
{
	static char line[4096], once[16384], twice[16384];

	srandom(1);
	for (int i = 0; i < 40000; i++) {
		struct scrub s = options((int)(random() % 8) | HOSTS);
		enum smtp_verb verb = (enum smtp_verb)((size_t)random() %
		    SMTP_VERBS);
		unsigned most = 1 + (unsigned)random() % GATE_EDITS_MAX;
		bool first = random() % 2;
		size_t n = random_line(line), m, k;
		bool keyword = !first && (verb == SMTP_EHLO ||
		    verb == SMTP_LHLO) && strncmp(line, "250", 3) == 0;
		bool data = keyword || strncmp(line, "334", 3) == 0 ||
		    strncmp(line, "355", 3) == 0 ||
		    (verb == SMTP_XLINK2STATE && strncmp(line, "200", 3) == 0);

		m = scrubbed(&s, verb, (struct span){ line, n }, first, most,
		    once);
		ck_assert_mem_eq(once, line, 4);
		ck_assert_mem_eq(once + m - 2, "\r\n", 2);
		if (data)
			ck_assert(m == n && memcmp(line, once, n) == 0);
		else
			for (size_t j = 0; j < 2; j++)
				ck_assert_msg(!holds_whole((struct span){ once, m },
				    (struct span){ names[j].p, names[j].n }),
				    "%.*s gave %.*s", (int)n, line, (int)m, once);
		if (!s.text)
			continue;
		k = scrubbed(&s, verb, (struct span){ once, m }, first,
		    GATE_EDITS_MAX, twice);
		ck_assert_msg(k == m && memcmp(once, twice, m) == 0,
		    "verb %d first %d %.*sgave %.*sthen %.*s", verb, first,
		    (int)n, line, (int)m, once, (int)k, twice);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scrub_any");
	TCase *tests = tcase_create("scrub_any");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, scrubbing_set_up, NULL);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, what_is_the_same_is_no_edit);
	tcase_add_test(tests, one_edit_too_many_takes_the_rest);
	tcase_add_test(tests, random_replies_are_scrubbed);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
