/* store_wire: gives back every octet, survives damaged files. */
#include "record/store.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/batch.h"
#include "tests/unit/recording.h"

static char error[RECORD_ERROR_MAX];

static struct store *
open_store(void)
{
	struct store *s = store_open(recording_path("sessions.db"), error);

	ck_assert_msg(s != NULL, "%s", error);
	return s;
}

static void
put_frame(struct recorder_part *p, int64_t *last_us, enum wire_kind kind,
    enum smtp_side side, int64_t t_us, const char *bytes)
{
	struct wire_frame f = { kind, side, t_us, strlen(bytes),
	    span_of(bytes) };

	if (kind == WIRE_REDACTED || kind == WIRE_GAP ||
	    kind == WIRE_WITHHELD_REDACTED)
		f.octets = 77;
	wire_put(&p->wire, &f, last_us);
}

START_TEST(the_wire_comes_back_in_the_order_in_which_it_came)
{
	static const struct store_segment expected[] = {
		{ WIRE_BYTES, SMTP_SERVER, false, 1, 5, SPAN("220\r\n") },
		{ WIRE_BYTES, SMTP_CLIENT, false, 2, 9, SPAN("AUTH NOOP") },
		{ WIRE_REDACTED, SMTP_CLIENT, true, 2, 77, SPAN("x=") },
		{ WIRE_BYTES, SMTP_CLIENT, true, 2, 2, SPAN("\r\n") },
		{ WIRE_BYTES, SMTP_SERVER, false, 3, 5, SPAN("250\r\n") },
		{ WIRE_GAP, SMTP_CLIENT, false, 4, 154, { "", 0 } },
		{ WIRE_OWN, SMTP_SERVER, false, 4, 5, SPAN("421\r\n") },
		{ WIRE_BYTES, SMTP_SERVER, false, 5, 5, SPAN("250\r\n") },
		{ WIRE_OWN, SMTP_SERVER, true, 5, 5, SPAN("502\r\n") },
		{ WIRE_WITHHELD, SMTP_SERVER, true, 5, 8, SPAN("250 mx\r\n") },
		{ WIRE_MADE, SMTP_SERVER, true, 5, 7, SPAN("250 X\r\n") },
		{ WIRE_WITHHELD_REDACTED, SMTP_CLIENT, false, 6, 77,
		    SPAN("x=") },
		{ WIRE_WITHHELD_REDACTED, SMTP_CLIENT, true, 6, 77,
		    SPAN("") },
		{ WIRE_FIN, SMTP_CLIENT, false, 7, 0, { "", 0 } },
		{ WIRE_RESET, SMTP_SERVER, false, 7, 0, { "", 0 } },
	};
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	uint64_t id = recorder_next_id(port);
	struct recorder_part *p = recording_part(port, id, 0, false);
	struct store_wire wire;
	struct store *s;
	int64_t last_us = 0;

	put_frame(p, &last_us, WIRE_BYTES, SMTP_SERVER, 1, "220\r\n");
	/* Understood before what the client sent earlier. */
	put_frame(p, &last_us, WIRE_BYTES, SMTP_SERVER, 3, "250");
	put_frame(p, &last_us, WIRE_BYTES, SMTP_CLIENT, 2, "AUTH ");
	recorder_put(port, p);
	p = recording_part(port, id, 1, true);
	last_us = 0;
	put_frame(p, &last_us, WIRE_BYTES, SMTP_CLIENT, 2, "NOOP");
	put_frame(p, &last_us, WIRE_REDACTED, SMTP_CLIENT, 2, "x=");
	put_frame(p, &last_us, WIRE_BYTES, SMTP_CLIENT, 2, "\r\n");
	put_frame(p, &last_us, WIRE_BYTES, SMTP_SERVER, 3, "\r\n");
	put_frame(p, &last_us, WIRE_GAP, SMTP_CLIENT, 4, "");
	put_frame(p, &last_us, WIRE_GAP, SMTP_CLIENT, 4, "");
	put_frame(p, &last_us, WIRE_OWN, SMTP_SERVER, 4, "421\r\n");
	put_frame(p, &last_us, WIRE_BYTES, SMTP_SERVER, 5, "250\r\n");
	put_frame(p, &last_us, WIRE_OWN, SMTP_SERVER, 5, "502\r\n");
	put_frame(p, &last_us, WIRE_WITHHELD, SMTP_SERVER, 5, "250 m");
	put_frame(p, &last_us, WIRE_WITHHELD, SMTP_SERVER, 5, "x\r\n");
	put_frame(p, &last_us, WIRE_MADE, SMTP_SERVER, 5, "250 X\r\n");
	put_frame(p, &last_us, WIRE_WITHHELD_REDACTED, SMTP_CLIENT, 6, "x=");
	put_frame(p, &last_us, WIRE_WITHHELD_REDACTED, SMTP_CLIENT, 6, "");
	put_frame(p, &last_us, WIRE_FIN, SMTP_CLIENT, 7, "");
	put_frame(p, &last_us, WIRE_RESET, SMTP_SERVER, 7, "");
	recorder_put(port, p);
	recording_close(r);

	s = open_store();
	ck_assert_msg(store_wire(s, (int64_t)id, &wire, error), "%s", error);
	ck_assert_uint_eq(wire.n, sizeof(expected) / sizeof(*expected));
	for (size_t i = 0; i < wire.n; i++) {
		const struct store_segment *a = &wire.segments[i],
		    *b = &expected[i];

		ck_assert_int_eq(a->kind, b->kind);
		ck_assert_int_eq(a->side, b->side);
		ck_assert_int_eq(a->same_segment, b->same_segment);
		ck_assert_int_eq(a->t_us, b->t_us);
		ck_assert_uint_eq(a->octets, b->octets);
		ck_assert_uint_eq(a->bytes.n, b->bytes.n);
		ck_assert(a->bytes.n == 0 ||
		    memcmp(a->bytes.p, b->bytes.p, b->bytes.n) == 0);
	}
	store_wire_free(&wire);
	store_close(s);
}
END_TEST

/* A session of frames as log has them, closed; its wire. */
static struct store *
open_wire(void (*put)(struct recorder_part *), struct store_wire *wire)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	uint64_t id = recorder_next_id(port);
	struct recorder_part *p = recording_part(port, id, 0, true);
	struct store *s;

	put(p);
	recorder_put(port, p);
	recording_close(r);
	s = open_store();
	ck_assert_msg(store_wire(s, (int64_t)id, wire, error), "%s", error);
	return s;
}

static void
put_waiting(struct recorder_part *p)
{
	int64_t last_us = 0;

	put_frame(p, &last_us, WIRE_BYTES, SMTP_SERVER, 1, "220\r\n");
	put_frame(p, &last_us, WIRE_WITHHELD, SMTP_CLIENT, 2, "EXPN\r\n");
	put_frame(p, &last_us, WIRE_OWN, SMTP_SERVER, 3, "502\r\n");
	put_frame(p, &last_us, WIRE_BYTES, SMTP_CLIENT, 2, "MAIL\r\n");
	put_frame(p, &last_us, WIRE_BYTES, SMTP_SERVER, 4, "250\r\n");
	put_frame(p, &last_us, WIRE_OWN, SMTP_SERVER, 4, "502\r\n");
	put_frame(p, &last_us, WIRE_MADE, SMTP_SERVER, 4, "250-X\r\n");
	put_frame(p, &last_us, WIRE_REDACTED, SMTP_SERVER, 4, "250\r\n");
	put_frame(p, &last_us, WIRE_FIN, SMTP_SERVER, 5, "");
	put_frame(p, &last_us, WIRE_BYTES, SMTP_CLIENT, 2, "BDAT 0\r\n");
}

START_TEST(turns_tell_the_order_in_which_it_was_understood)
{
	static const struct turn expected[] = { { TURN_SERVER, 5 },
		{ TURN_CLIENT, 6 }, { TURN_MARK, 1 }, { TURN_CLIENT, 12 },
		{ TURN_SERVER, 15 }, { TURN_MARK, 2 }, { TURN_CLIENT, 20 } };
	struct store_wire wire;
	struct store *s = open_wire(put_waiting, &wire);

	ck_assert_uint_eq(turns_count(&wire.turns),
	    sizeof(expected) / sizeof(*expected));
	for (size_t i = 0; i < turns_count(&wire.turns); i++) {
		struct turn turn = turns_at(&wire.turns, i);

		ck_assert_int_eq(turn.of, expected[i].of);
		ck_assert_uint_eq(turn.end, expected[i].end);
	}
	store_wire_free(&wire);
	store_close(s);
}
END_TEST

static void
put_holed(struct recorder_part *p)
{
	int64_t last_us = 0;

	put_frame(p, &last_us, WIRE_BYTES, SMTP_SERVER, 1, "220\r\n");
	put_frame(p, &last_us, WIRE_GAP, SMTP_CLIENT, 2, "");
	put_frame(p, &last_us, WIRE_BYTES, SMTP_SERVER, 3, "250\r\n");
}

START_TEST(where_octets_are_missing_no_turns_are_told)
{
	struct store_wire wire;
	struct store *s = open_wire(put_holed, &wire);

	ck_assert_uint_eq(wire.n, 3);
	ck_assert_uint_eq(turns_count(&wire.turns), 0);
	store_wire_free(&wire);
	store_close(s);
}
END_TEST

/* Sizes about that of a pack, so that logs begin, end and are cut at its edge. */
static const size_t sizes[] = { 0, 1, BATCH_PACK_MAX / 2, BATCH_PACK_MAX - 100,
	BATCH_PACK_MAX - 26, BATCH_PACK_MAX, BATCH_PACK_MAX + 1,
	5 * BATCH_PACK_MAX + 17, 3 };
#define SIZES (sizeof(sizes) / sizeof(*sizes))

static bool
is_all_a(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 'a')
			return false;
	return true;
}

START_TEST(logs_of_every_size_come_back_from_their_packs)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	struct store *s;

	for (size_t i = 0; i < SIZES; i++)
		(void)recording_session(port, sizes[i]);
	recording_close(r);
	s = open_store();
	for (size_t i = 0; i < SIZES; i++) {
		struct store_wire wire;

		ck_assert_msg(store_wire(s, (int64_t)i + 1, &wire, error), "%s",
		    error);
		ck_assert_uint_eq(wire.n, 2);
		ck_assert_uint_eq(wire.segments[0].bytes.n, sizes[i]);
		ck_assert(is_all_a(wire.segments[0].bytes));
		ck_assert(memcmp(wire.segments[1].bytes.p, "250 Ok\r\n", 8)
		    == 0);
		store_wire_free(&wire);
	}
	store_close(s);
}
END_TEST

static void
change(const char *sql)
{
	(void)recording_query(sql);
}

static const struct { const char *sql, *damage; } damages[] = {
	{ "delete from pack", "a pack is missing" },
	{ "update part set extents = x'010005'", "a frame is no frame" },
	{ "update part set extents = x'0100ffffffff0f'",
	    "an extent lies outside its pack" },
	{ "update part set extents = x'01ffffffffffffffffff0101'",
	    "an extent lies outside its pack" },
	{ "update part set extents = x'0101ffffffffffffffffff01'",
	    "an extent lies outside its pack" },
	{ "update part set extents = x'ffffffffffffffffff010001'",
	    "a pack is missing" },
	{ "update part set extents = x'01'", "an extent is no extent" },
	{ "update part set extents = 'text'", "" },
	{ "update part set extents = 17.5", "" },
	{ "update pack set data = zeroblob(100)", "an extent lies outside" },
	{ "update pack set data = randomblob(length(data))", "" },
	{ "update pack set data = 'text'", "an extent lies outside" },
	/* 100,000 times the same log. */
	{ "with recursive n(i) as (select 1 union all select i + 1 from n"
	    " where i < 100000) update part set extents ="
	    " (select cast(group_concat(x'0100e02d', '') as blob) from n)",
	    "its extents are larger than the file" },
};

START_TEST(a_damaged_recording_gives_a_sentence_and_no_crash)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	struct store_wire wire;
	struct store *s;

	(void)recording_session(port, 6000);
	recording_close(r);
	change(damages[_i].sql);
	s = open_store();
	(void)strcpy(error, "");
	if (!store_wire(s, 1, &wire, error))
		ck_assert_msg(strstr(error, "the wire log is damaged: "), "%s",
		    error);
	ck_assert_msg(strstr(error, damages[_i].damage), "%s", error);
	store_wire_free(&wire);
	store_close(s);
}
END_TEST

START_TEST(a_file_with_any_octet_changed_is_read_or_refused)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	const char *path = recording_path("sessions.db");
	unsigned seed = 11;

	for (int i = 0; i < 20; i++)
		(void)recording_session(port, 500);
	recording_close(r);
	for (int round = 0; round < 400; round++) {
		int fd = open(path, O_RDWR);
		struct stat st;
		char octet, bad = (char)rand_r(&seed);
		struct store_wire wire;
		struct store *s;
		off_t at;

		ck_assert_int_eq(fstat(fd, &st), 0);
		at = rand_r(&seed) % st.st_size;
		if (round % 2)
			at %= 1024;
		ck_assert_int_eq(pread(fd, &octet, 1, at), 1);
		ck_assert_int_eq(pwrite(fd, &bad, 1, at), 1);
		s = store_open(path, error);
		if (s) {
			int64_t id = store_find(s, "last~3", error);

			(void)store_wire(s, id, &wire, error);
			store_wire_free(&wire);
		}
		store_close(s);
		ck_assert_int_eq(pwrite(fd, &octet, 1, at), 1);
		close(fd);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_wire");
	TCase *tc = tcase_create("store_wire");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, recording_setup, recording_teardown);
	tcase_add_test(tc, the_wire_comes_back_in_the_order_in_which_it_came);
	tcase_add_test(tc, turns_tell_the_order_in_which_it_was_understood);
	tcase_add_test(tc, where_octets_are_missing_no_turns_are_told);
	tcase_add_test(tc, logs_of_every_size_come_back_from_their_packs);
	tcase_add_loop_test(tc, a_damaged_recording_gives_a_sentence_and_no_crash,
	    0, sizeof(damages) / sizeof(*damages));
	tcase_add_test(tc, a_file_with_any_octet_changed_is_read_or_refused);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
