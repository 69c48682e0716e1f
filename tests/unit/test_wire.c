/* wire: frames go in and come out as they were; what is no frame is refused. */
#include "record/wire.h"

#include <check.h>
#include <stdlib.h>

static struct text log_text;

static void
empty_log(void)
{
	text_free(&log_text);
}

static const struct wire_frame frames[] = {
	{ WIRE_BYTES, SMTP_SERVER, 0, 6, SPAN("220 \r\n") },
	{ WIRE_BYTES, SMTP_CLIENT, 412, 6, SPAN("NOOP\r\n") },
	{ WIRE_BYTES, SMTP_SERVER, 100, 1, SPAN("\0") },	/* earlier */
	{ WIRE_BYTES, SMTP_CLIENT, 100, 0, { "", 0 } },
	{ WIRE_REDACTED, SMTP_CLIENT, 5000, 40, SPAN("cmVkYWN0ZWQ=") },
	{ WIRE_GAP, SMTP_CLIENT, 6000, UINT64_MAX, { NULL, 0 } },
	{ WIRE_OWN, SMTP_SERVER, INT64_MAX, 5, SPAN("421 \n") },
	{ WIRE_OWN, SMTP_CLIENT, INT64_MIN, 1, SPAN("x") },
	{ WIRE_FIN, SMTP_CLIENT, -1, 0, { NULL, 0 } },
	{ WIRE_RESET, SMTP_SERVER, 7001, 0, { NULL, 0 } },
	{ WIRE_WITHHELD, SMTP_CLIENT, 7002, 6, SPAN("HELP\r\n") },
	{ WIRE_WITHHELD_REDACTED, SMTP_CLIENT, 7002, 9, SPAN("cmVk") },
	{ WIRE_MADE, SMTP_SERVER, 7002, 4, SPAN("X\0\r\n") },
	{ WIRE_SECURED, SMTP_CLIENT, 7003, 7, SPAN("TLSv1.3") },
};
#define FRAMES (sizeof(frames) / sizeof(*frames))

static void
write_frames(void)
{
	int64_t last_us = 0;

	for (size_t i = 0; i < FRAMES; i++)
		wire_put(&log_text, &frames[i], &last_us);
}

START_TEST(frames_come_out_as_they_went_in)
{
	struct span log;
	struct wire_frame f;
	int64_t last_us = 0;

	write_frames();
	log = text_all(&log_text);
	for (size_t i = 0; i < FRAMES; i++) {
		ck_assert(wire_get(&log, &f, &last_us));
		ck_assert_int_eq(f.kind, frames[i].kind);
		ck_assert_int_eq(f.side, frames[i].side);
		ck_assert_int_eq(f.t_us, frames[i].t_us);
		ck_assert_uint_eq(f.octets, frames[i].octets);
		ck_assert_uint_eq(f.bytes.n, frames[i].bytes.n);
		ck_assert(f.bytes.n == 0 || memcmp(f.bytes.p,
		    frames[i].bytes.p, f.bytes.n) == 0);
	}
	ck_assert_uint_eq(log.n, 0);
	ck_assert(!wire_get(&log, &f, &last_us));
}
END_TEST

START_TEST(a_log_cut_anywhere_gives_the_frames_that_are_whole)
{
	write_frames();
	for (size_t n = 0; n <= log_text.n; n++) {
		/* A copy of its own, so that ASan sees a read behind it. */
		char *cut = malloc(n + 1);
		struct span log = { cut, n };
		struct wire_frame f;
		int64_t last_us = 0;
		size_t seen = 0;

		memcpy(cut, log_text.p, n);
		while (wire_get(&log, &f, &last_us))
			ck_assert_int_eq(f.t_us, frames[seen++].t_us);
		ck_assert_uint_le(seen, FRAMES);
		ck_assert(seen == FRAMES || n < log_text.n);
		ck_assert_ptr_eq(log.p + log.n, cut + n);
		free(cut);
	}
}
END_TEST

static const struct { const char *why; struct span log; } refused[] = {
	{ "unknown kind", SPAN("\x14\0\0") },
	{ "no time", SPAN("\0") },
	{ "more octets than there are", SPAN("\0\0\x05""abcd") },
	{ "endless varint", SPAN("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0") },
	{ "65 bits", SPAN("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\0") },
	{ "length of 2^64-1", SPAN("\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x") },
	{ "stand-in too long", SPAN("\x02\0\x05\x09""abcd") },
	{ "stand-in without length", SPAN("\x0e\0\x05") },
	{ "more made than there is", SPAN("\x11\0\x05""abcd") },
};

START_TEST(what_is_no_frame_is_left_in_the_log)
{
	struct span log = refused[_i].log;
	struct wire_frame f;
	int64_t last_us = 0;

	ck_assert_msg(!wire_get(&log, &f, &last_us), "%s", refused[_i].why);
	ck_assert_ptr_eq(log.p, refused[_i].log.p);
	ck_assert_uint_eq(log.n, refused[_i].log.n);
}
END_TEST

START_TEST(random_octets_never_read_past_their_end)
{
	unsigned seed = 7;

	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)(rand_r(&seed) % 64);
		char *bytes = malloc(n + 1);
		struct span log = { bytes, n };
		struct wire_frame f;
		int64_t last_us = 0;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)(rand_r(&seed) >> 8);
		while (wire_get(&log, &f, &last_us))
			ck_assert(f.bytes.p + f.bytes.n <= bytes + n);
		free(bytes);
	}
}
END_TEST

START_TEST(varints_of_every_length_come_back)
{
	for (int bit = 0; bit < 64; bit++) {
		uint64_t value = UINT64_C(1) << bit, back;
		struct span in;

		text_clear(&log_text);
		wire_varint(&log_text, value);
		wire_varint(&log_text, value - 1);
		in = text_all(&log_text);
		ck_assert(wire_varint_get(&in, &back));
		ck_assert_uint_eq(back, value);
		ck_assert(wire_varint_get(&in, &back));
		ck_assert_uint_eq(back, value - 1);
		ck_assert_uint_eq(in.n, 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tc = tcase_create("wire");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, NULL, empty_log);
	tcase_add_test(tc, frames_come_out_as_they_went_in);
	tcase_add_test(tc, a_log_cut_anywhere_gives_the_frames_that_are_whole);
	tcase_add_loop_test(tc, what_is_no_frame_is_left_in_the_log, 0,
	    sizeof(refused) / sizeof(*refused));
	tcase_add_test(tc, random_octets_never_read_past_their_end);
	tcase_add_test(tc, varints_of_every_length_come_back);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
