/* A wire as text, and the same wire again. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/lossless.h"
#include "replay/reader.h"
#include "tests/unit/wires.h"

static char *
text_of(const struct store_wire *w, size_t *n)
{
	char *text;
	FILE *out = open_memstream(&text, n);

	ck_assert_ptr_nonnull(out);
	lossless_wire(out, w);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static void
expect_same(const struct store_wire *got, const struct store_wire *want,
    const char *text)
{
	ck_assert_msg(got->n == want->n, "%zu segments, not %zu:\n%s", got->n,
	    want->n, text);
	for (size_t i = 0; i < want->n; i++) {
		const struct store_segment *a = &got->segments[i];
		const struct store_segment *b = &want->segments[i];

		ck_assert_msg(a->kind == b->kind && a->side == b->side &&
		    a->t_us == b->t_us && a->same_segment == b->same_segment &&
		    a->bytes.n == b->bytes.n &&
		    memcmp(a->bytes.p, b->bytes.p, b->bytes.n) == 0,
		    "segment %zu of\n%s", i, text);
	}
}

START_TEST(any_wire_comes_back)
{
	for (unsigned seed = 1; seed <= 3000; seed++) {
		char error[READER_ERROR_MAX];
		struct reader_session session;
		struct store_wire wire;
		struct reader reader;
		size_t n, again_n;
		char *text, *again;

		wires_make(&wire, seed, false);
		text = text_of(&wire, &n);
		reader = (struct reader){ .text = { text, n } };
		ck_assert_msg(reader_next(&reader, &session, error), "%s\n%s",
		    error, text);
		expect_same(&session.wire, &wire, text);
		again = text_of(&session.wire, &again_n);
		ck_assert_str_eq(again, text);
		free(again);
		free(text);
		reader_free(&session);
		store_wire_free(&wire);
	}
}
END_TEST

START_TEST(an_edited_line_is_readable)
{
	struct store_segment segments[] = {
		{ WIRE_BYTES, SMTP_SERVER, false, 100, 4, SPAN("220 ") },
		{ WIRE_WITHHELD, SMTP_SERVER, true, 100, 4, SPAN("real") },
		{ WIRE_MADE, SMTP_SERVER, true, 100, 4, SPAN("mask") },
		{ WIRE_BYTES, SMTP_SERVER, true, 100, 8, SPAN(" ESMTP\r\n") },
		{ WIRE_WITHHELD, SMTP_CLIENT, false, 200, 6, SPAN("VRFY\r\n") },
		{ WIRE_OWN, SMTP_SERVER, false, 300, 8, SPAN("502 no\r\n") },
	};
	struct store_wire wire = { .segments = segments, .n = 6 };
	size_t n;
	char *text = text_of(&wire, &n);

	ck_assert_str_eq(text,
	    "+0.000100 <-  220\\x20\\c\n"
	    "<x- real\\c\n"
	    "<=  mask\\c\n"
	    "<-   ESMTP\n"
	    "+0.000200 -x> VRFY\n"
	    "+0.000300 <=  502 no\n");
	free(text);
}
END_TEST

/* Read text into a session, and write it again. */
static char *
again(const char *text, struct reader_session *session)
{
	struct reader reader = { .text = span_of(text) };
	char error[READER_ERROR_MAX];
	size_t n;

	ck_assert_msg(reader_next(&reader, session, error), "%s", error);
	return text_of(&session->wire, &n);
}

#define HEAD "+0.000001 <-  220 hi\n+0.000002  -> EHLO c\n" \
	"+0.000003 <-  250-hi\n<-  250 PIPELINING\n"
#define CHUNK HEAD "+0.000004  -> MAIL FROM:<a@b>\n -> BDAT 2 LAST\n" \
	" -> \n+0.000005 <-  250 ok\n<-  250 ok\n"

START_TEST(an_order_that_the_engine_would_not_take_is_told)
{
	static const char text[] =
	    "*** understood: S8 C8 S24 C17 S8 C15 S8\n" CHUNK;
	struct reader_session session;
	char *got = again(text, &session);

	ck_assert_str_eq(got, text);
	free(got);
	reader_free(&session);
}
END_TEST

START_TEST(an_order_that_is_the_engines_own_is_not_told)
{
	struct reader_session session;
	char *got = again("*** understood: S8 C8 S24 C32 S16\n" CHUNK,
	    &session);

	ck_assert_str_eq(got, CHUNK);
	free(got);
	reader_free(&session);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lossless");
	TCase *tests = tcase_create("lossless");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, any_wire_comes_back);
	tcase_add_test(tests, an_edited_line_is_readable);
	tcase_add_test(tests, an_order_that_the_engine_would_not_take_is_told);
	tcase_add_test(tests, an_order_that_is_the_engines_own_is_not_told);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
