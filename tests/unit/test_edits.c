/* What a policy did to a session comes back out of the store: what came, and
 * what went, octet by octet. */
#include <check.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "record/store.h"
#include "record/tap.h"
#include "tests/unit/recording.h"

#define MS INT64_C(1000000)	/* ns */

/* Some policy: what to do is up to chance. */
struct hub {
	unsigned seed;
	bool edits;
	struct recorder *recorder;
	struct recorder_port *port;
	struct smtp_session smtp;
	struct tap tap;
	int64_t now;
	struct text unread[2];
	struct text came[2];		/* what that side sent, and what */
	struct text given[2];		/* the other was given of it */
	unsigned behind[SMTP_PENDING_MAX];	/* replies of the server, before */
	unsigned first, last;			/* replies of ours that wait */
};

static struct hub h;
static sem_t drained;

static unsigned
chance(unsigned n)
{
	return (unsigned)rand_r(&h.seed) / 16 % n;
}

static void
wake(void *arg)
{
	sem_post(arg);
}

static void
open_hub(unsigned seed, bool edits, size_t queue_octets)
{
	struct recorder_limits limits = recorder_default_limits;
	struct tap_origin from = { .client = "192.0.2.7:1025", .now_ns = MS,
	    .wall_ns = 1780000000000 * MS };
	char error[RECORD_ERROR_MAX];

	limits.queue_octets = queue_octets;
	h = (struct hub){ .seed = seed, .edits = edits, .now = MS };
	sem_init(&drained, 0, 0);
	h.recorder = recorder_open(recording_path("sessions.db"), &limits,
	    error);
	ck_assert_msg(h.recorder != NULL, "%s", error);
	h.port = recorder_port(h.recorder, wake, &drained);
	smtp_start(&h.smtp);
	ck_assert(tap_open(&h.tap, h.port, &from));
}

static void
teardown(void)
{
	for (int side = 0; side < 2; side++) {
		text_free(&h.unread[side]);
		text_free(&h.came[side]);
		text_free(&h.given[side]);
	}
	recording_teardown();
}

static void
close_hub(void)
{
	tap_close(&h.tap, "client", h.now += MS);
	recording_close(h.recorder);
}

static void
make(enum smtp_side side)
{
	static const char words[] = "XXXXXXXXXXXXXXXX";
	struct span made = { words, chance(sizeof words) };

	text_span(&h.given[side], made);
	tap_made(&h.tap, made);
}

/* Pieces of an event go, others do not, and some are put in. */
static void
edit(enum smtp_side side, struct span raw)
{
	while (raw.n) {
		struct span piece = span_cut(&raw, 1 + chance((unsigned)raw.n));

		if (chance(3) == 0)
			make(side);
		if (chance(2)) {
			text_span(&h.given[side], piece);
			tap_passed(&h.tap, piece);
		} else
			tap_withheld(&h.tap, piece);
	}
	if (chance(3) == 0)
		make(side);
}

/* Replies of ours go when those before them have gone. */
static void
say_own(void)
{
	struct span line = SPAN("502 5.5.1 not here\r\n");

	while (h.first != h.last &&
	    h.behind[h.first % SMTP_PENDING_MAX] == 0) {
		text_span(&h.given[SMTP_SERVER], line);
		tap_own(&h.tap, SMTP_SERVER, line, true, h.now);
		h.first++;
	}
}

static void
withhold(const struct smtp_event *ev)
{
	tap_event(&h.tap, ev, TAP_WITHHELD);
	if (ev->tile != SMTP_COMMAND && ev->tile != SMTP_CREDENTIAL &&
	    ev->tile != SMTP_END_OF_DATA)
		return;
	smtp_withdraw(&h.smtp, ev);
	if (h.last - h.first < SMTP_PENDING_MAX)
		h.behind[h.last++ % SMTP_PENDING_MAX] = smtp_awaited(&h.smtp);
}

static void
decide(const struct smtp_event *ev)
{
	if (ev->tile == SMTP_REPLY && ev->answered)
		for (unsigned i = h.first; i != h.last; i++)
			h.behind[i % SMTP_PENDING_MAX] -=
			    h.behind[i % SMTP_PENDING_MAX] != 0;
	switch (h.edits ? chance(4) : 3) {
	case 0:
		withhold(ev);
		break;
	case 1:
		tap_event(&h.tap, ev, TAP_EDITED);
		edit(ev->side, ev->raw);
		break;
	default:
		tap_event(&h.tap, ev, TAP_FORWARDED);
		text_span(&h.given[ev->side], ev->raw);
	}
	if (ev->tile != SMTP_REPLY || ev->last)
		say_own();
}

static bool
understand(enum smtp_side side)
{
	struct span in = text_all(&h.unread[side]);
	struct smtp_event ev;
	bool moved = false;

	while (smtp_next(&h.smtp, side, &in, &ev) == SMTP_EVENT) {
		decide(&ev);
		moved = true;
	}
	tap_settle(&h.tap);
	memmove(h.unread[side].p, in.p, in.n);
	h.unread[side].n = in.n;
	return moved;
}

static void
understand_both(enum smtp_side side)
{
	for (int still = 0; still < 3; side = !side)
		still = h.unread[side].n && understand(side) ? 0 : still + 1;
}

static void
say(enum smtp_side side, struct span all)
{
	while (all.n) {
		struct span piece = span_cut(&all, 1 + chance((unsigned)all.n));

		text_span(&h.came[side], piece);
		text_span(&h.unread[side], piece);
		tap_received(&h.tap, side, piece.n, h.now += MS);
		understand_both(side);
		if (chance(8) == 0)
			(void)tap_flush(&h.tap);
	}
}

static const struct { enum smtp_side side; struct span bytes; } session[] = {
	{ SMTP_SERVER, SPAN("220-wait\r\n220 mx ESMTP\r\n") },
	{ SMTP_CLIENT, SPAN("EHLO c.example\r\n") },
	{ SMTP_SERVER, SPAN("250-mx\r\n250-SIZE 1000\r\n250-CHUNKING\r\n"
	    "250 PIPELINING\r\n") },
	{ SMTP_CLIENT, SPAN("MAIL FROM:<a@x>\r\nHELP\r\nRCPT TO:<b@y>\r\n"
	    "VRFY b\r\nRCPT TO:<c@y>\r\nDATA\r\n") },
	{ SMTP_SERVER, SPAN("250 ok\r\n214-help\r\n214 me\r\n250 ok\r\n"
	    "252 maybe\r\n250 ok\r\n354 go\r\n") },
	{ SMTP_CLIENT, SPAN("Subject: s\r\n\r\n..a\nb\rc\r\n.\n.\r\nd\r\n.\r\n"
	    "NOOP\r\n") },
	{ SMTP_SERVER, SPAN("250 2.0.0 Ok: queued as Q1\r\n250 ok\r\n"
	    "250 nobody asked\r\n") },
	{ SMTP_CLIENT, SPAN("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 4\r\n"
	    "ab\r\nBDAT 3 LAST\r\nc\r\nQUIT\r\n") },
	{ SMTP_SERVER, SPAN("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n221 bye"
	    "\r\nlate") },
};

static void
play(void)
{
	for (size_t i = 0; i < sizeof session / sizeof *session; i++)
		say(session[i].side, session[i].bytes);
}

static void
end(void)
{
	smtp_end(&h.smtp, SMTP_CLIENT);
	smtp_end(&h.smtp, SMTP_SERVER);
	/* Nobody is left to wait for. */
	for (int i = 0; i < 4; i++)
		(void)understand(i % 2 ? SMTP_SERVER : SMTP_CLIENT);
	ck_assert_uint_eq(h.unread[0].n + h.unread[1].n, 0);
	close_hub();
}

static void
read_wire(struct store **store, struct store_wire *wire)
{
	char error[RECORD_ERROR_MAX];

	*store = store_open(recording_path("sessions.db"), error);
	ck_assert_msg(*store != NULL, "%s", error);
	ck_assert_msg(store_wire(*store, (int64_t)h.tap.facts.id, wire,
	    error), "%s", error);
}

static bool
was_given(enum wire_kind kind)
{
	return kind == WIRE_BYTES || kind == WIRE_MADE || kind == WIRE_OWN;
}

static void
assert_same(struct text *got, const struct text *expected)
{
	ck_assert_uint_eq(got->n, expected->n);
	ck_assert(got->n == 0 || memcmp(got->p, expected->p, got->n) == 0);
	text_free(got);
}

static void
assert_wire_has_both(void)
{
	struct text came[2] = { 0 }, given[2] = { 0 };
	struct store_wire wire;
	struct store *store;

	read_wire(&store, &wire);
	for (size_t i = 0; i < wire.n; i++) {
		const struct store_segment *s = &wire.segments[i];

		if (wire_is_stream(s->kind))
			text_span(&came[s->side], s->bytes);
		if (was_given(s->kind))
			text_span(&given[s->side], s->bytes);
	}
	for (int side = 0; side < 2; side++) {
		assert_same(&came[side], &h.came[side]);
		assert_same(&given[side], &h.given[side]);
	}
	store_wire_free(&wire);
	store_close(store);
}

START_TEST(what_came_and_what_went_are_both_in_the_wire)
{
	open_hub((unsigned)_i, true, 16 << 20);
	play();
	end();
	assert_wire_has_both();
}
END_TEST

START_TEST(without_edits_what_went_is_what_came)
{
	open_hub((unsigned)_i, false, 16 << 20);
	play();
	end();
	assert_wire_has_both();
	recording_says("select rewritten from session", "0");
	recording_says("select count(*) from exchange where forwarded = 0",
	    "0");
}
END_TEST

static void
limit_files(rlim_t octets)
{
	struct rlimit limit = { octets, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Fill the queue of a store that fails, so that this session becomes a gap. */
static void
fill(void)
{
	limit_files(4096);
	(void)recording_session(h.port, 4096);
	while (!recorder_failing(h.port))
		poll(NULL, 0, 1);
	while (recorder_ready(h.port))
		(void)recording_session(h.port, 40000);
}

static void
recover(void)
{
	limit_files(RLIM_INFINITY);
	while (recorder_failing(h.port) || !recorder_ready(h.port))
		sem_wait(&drained);
	ck_assert(tap_flush(&h.tap) || tap_flush(&h.tap));
}

START_TEST(a_gap_within_an_edited_session_counts_what_came)
{
	uint64_t octets[2] = { 0 };
	struct store_wire wire;
	struct store *store;
	bool gap = false;

	open_hub(7, true, 1 << 20);
	play();
	fill();
	while (h.came[SMTP_CLIENT].n < 4 * TAP_PART_MAX)
		play();
	recover();
	play();
	end();
	read_wire(&store, &wire);
	for (size_t i = 0; i < wire.n; i++) {
		const struct store_segment *s = &wire.segments[i];

		if (wire_is_stream(s->kind))
			octets[s->side] += s->octets;
		gap |= s->kind == WIRE_GAP;
	}
	ck_assert(gap);
	ck_assert_uint_eq(octets[SMTP_CLIENT], h.came[SMTP_CLIENT].n);
	ck_assert_uint_eq(octets[SMTP_SERVER], h.came[SMTP_SERVER].n);
	store_wire_free(&wire);
	store_close(store);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("edits");
	TCase *tc = tcase_create("edits");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, recording_setup, teardown);
	tcase_add_loop_test(tc, what_came_and_what_went_are_both_in_the_wire,
	    0, 60);
	tcase_add_loop_test(tc, without_edits_what_went_is_what_came, 0, 5);
	tcase_add_test(tc, a_gap_within_an_edited_session_counts_what_came);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
