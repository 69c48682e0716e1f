/* What is known of TLS, in words, and back. */
#include <check.h>
#include <stdlib.h>

#include "record/tls_text.h"

static const char *const lines[] = {
	"TLS",
	"TLSv1.3",
	"TLSv1.3 TLS_AES_256_GCM_SHA384",
	"TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 secp384r1, 0.007 ms",
	"TLSv1.3 TLS_AES_256_GCM_SHA384 x25519, sni mx.example.net, "
	    "alpn h2,smtp, resumed, 1234.567 ms, verified: ok",
	"TLSv1.3, verified: the certificate is for a, b, not c, sni d, 1 ms",
};

START_TEST(words_read_back)
{
	struct recorder_tls tls = { .handshake_us = 0 };
	struct text again = { 0 };

	tls_text_parse(span_of(lines[_i]), &tls);
	tls_text(&again, &tls);
	text_put(&again, "", 1);
	ck_assert_str_eq(again.p, lines[_i]);
	text_free(&again);
}
END_TEST

START_TEST(what_is_no_word_is_passed_over)
{
	struct recorder_tls tls = { .handshake_us = 0 };

	tls_text_parse(SPAN("TLSv1.3, x ms, .. ms, 99999999999999999 ms, , "
	    "more, resumed, 2 ms"), &tls);
	ck_assert_str_eq(tls.version, "TLSv1.3");
	ck_assert(tls.resumed);
	ck_assert_int_eq(tls.handshake_us, 2000);
}
END_TEST

/* A peer chooses its names. */
START_TEST(a_name_is_one_word_of_a_line)
{
	struct recorder_tls tls = { .version = "TLSv1.3",
	    .sni = "a\r\n b\033[2J\xff", .handshake_us = -1,
	    .verified = "of \"x\n\"" };
	struct text words = { 0 };

	tls_text(&words, &tls);
	text_put(&words, "", 1);
	ck_assert_str_eq(words.p, "TLSv1.3, sni a???b?[2J?, "
	    "verified: of \"x?\"");
	text_free(&words);
}
END_TEST

START_TEST(the_short_form_is_version_and_cipher)
{
	struct recorder_tls tls = { .version = "TLSv1.2", .cipher = "X" };
	char out[16];

	tls_text_short(out, sizeof out, &tls);
	ck_assert_str_eq(out, "TLSv1.2 X");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tls_text");
	TCase *tests = tcase_create("words");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, words_read_back, 0,
	    sizeof(lines) / sizeof(*lines));
	tcase_add_test(tests, what_is_no_word_is_passed_over);
	tcase_add_test(tests, a_name_is_one_word_of_a_line);
	tcase_add_test(tests, the_short_form_is_version_and_cipher);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
