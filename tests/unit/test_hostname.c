/* Host names and addresses are told from other words, and from longer ones. */
#include <check.h>
#include <stdlib.h>

#include "inspect/hostname.h"
#include "inspect/scrub.h"

/* text holds the name where < > stand, and nowhere else. */
static void
expect(const char *name, const char *marked)
{
	char text[128];
	size_t want = strcspn(marked, "<"), n = 0;

	for (const char *p = marked; *p; p++)
		if (*p != '<' && *p != '>')
			text[n++] = *p;
	for (size_t at = 0; at <= n; at++)
		ck_assert_msg(hostname_stands((struct span){ text, n }, at,
		    span_of(name)) == (at == want && marked[want]),
		    "%s in %s at %zu", name, marked, at);
}

START_TEST(a_name_stands_whole_or_not_at_all)
{
	expect("mx.example", "<mx.example>");
	expect("mx.example", "at <MX.Example>.");
	expect("mx.example", "a@<mx.example>: no");
	expect("mx.example", "\"<mx.example>\"");
	expect("mx.example", "... <mx.example>...");
	expect("mx.example", "by:<mx.example>:25");
	expect("mx.example", "mx.example.net");
	expect("mx.example", "amx.example");
	expect("mx.example", "a.mx.example");
	expect("mx.example", "mx.examples");
	expect("mx.example", "mx.example-a");
	expect("mx.example", "mx.example_");
	expect("mx.example", "-mx.example");
	expect("mx.example", "\xc3\xbcmx.example");
	expect("mx.example", "mx.exampl");
	expect("mx.example", "");
}
END_TEST

START_TEST(an_address_stands_whole_or_not_at_all)
{
	expect("192.0.2.1", "[<192.0.2.1>]:25");
	expect("192.0.2.1", "<192.0.2.1>:25");
	expect("192.0.2.1", "192.0.2.10");
	expect("192.0.2.1", "192.0.2.1.5");
	expect("192.0.2.1", "1192.0.2.1");
	expect("[192.0.2.1]", "host<[192.0.2.1]>x");
	expect("2001:db8::1", "[IPv6:<2001:DB8::1>]");
	expect("2001:db8::1", "<2001:db8::1>: no");
	expect("2001:db8::1", "2001:db8::1:2");
	expect("2001:db8::1", "2001:db8::12");
	expect("::1", "[IPv6:<::1>]");
	expect("::1", "2001:db8::1");
	expect("::1", "1:::1");
}
END_TEST

START_TEST(a_literal_is_widened_by_its_tag)
{
	struct span inside, text = SPAN("[IPv6:::1] [192.0.2.1] [::1 ::1]");

	ck_assert(hostname_in_literal(text, 6, 3, &inside));
	ck_assert(inside.p == text.p + 1 && inside.n == 8);
	ck_assert(hostname_in_literal(text, 12, 9, &inside));
	ck_assert(inside.p == text.p + 12 && inside.n == 9);
	ck_assert(!hostname_in_literal(text, 12, 8, &inside));
	ck_assert(!hostname_in_literal(text, 24, 3, &inside));
	ck_assert(!hostname_in_literal(text, 28, 3, &inside));
	ck_assert(inside.p == text.p + 28 && inside.n == 3);
}
END_TEST

START_TEST(the_host_in_front_is_told_from_other_words)
{
	static const char *const rows[][2] = {
		{ "mail.corp.example ESMTP Postfix", "mail.corp.example" },
		{ "mail.corp.example", "mail.corp.example" },
		{ "mail.corp.example, ready", "mail.corp.example" },
		{ "mail.corp.example.", "mail.corp.example" },
		{ "[198.51.100.4] ready", "[198.51.100.4]" },
		{ "[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]" },
		{ "198.51.100.4 SMTP", "198.51.100.4" },
		{ "mail ESMTP", "mail" },
		{ "mail hello [10.4.253.198]", "mail" },
		{ "mx1", "mx1" },
		{ "w2012-1-idmu.w2012-idmu.corp Hello", "w2012-1-idmu.w2012-idmu.corp" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "b\xc3\xbc" "cher.example ESMTP", "b\xc3\xbc" "cher.example" },
		{ "", "" }, { " mail.corp.example", "" }, { "ESMTP ready", "" },
		{ "ESMTP ESMTP", "" }, { "Ready", "" }, { "Welcome to mail.x", "" },
		{ "Hello c", "" }, { "2.0.0 Ok", "" }, { "4.96", "" },
		{ "Exim4.96 ready", "" }, { "e.g. this", "" }, { "*****", "" },
		{ "[", "" }, { "[]", "" }, { "[a", "" }, { ".", "" }, { "...", "" },
		{ "a/b.example", "" }, { "joe@b.example", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span host = scrub_host(span_of(rows[i][0]));

		ck_assert_msg(host.n == strlen(rows[i][1]) &&
		    memcmp(rows[i][1], host.p, host.n) == 0,
		    "\"%s\": \"%.*s\"", rows[i][0], (int)host.n, host.p);
	}
}
END_TEST

START_TEST(a_host_longer_than_a_name_may_be_is_none)
{
	char text[300];

	memset(text, 'a', sizeof(text));
	text[20] = '.';
	ck_assert_uint_eq(scrub_host((struct span){ text, 255 }).n, 255);
	ck_assert_uint_eq(scrub_host((struct span){ text, 256 }).n, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hostname");
	TCase *tests = tcase_create("hostname");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, a_name_stands_whole_or_not_at_all);
	tcase_add_test(tests, an_address_stands_whole_or_not_at_all);
	tcase_add_test(tests, a_literal_is_widened_by_its_tag);
	tcase_add_test(tests, the_host_in_front_is_told_from_other_words);
	tcase_add_test(tests, a_host_longer_than_a_name_may_be_is_none);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
