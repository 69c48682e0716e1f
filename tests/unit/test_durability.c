/* recorder: a crash, a full disk and a failing one lose nothing committed. */
#include "record/recorder.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/recording.h"

static void
put_until_killed(int told)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	uint64_t last;

	/* One that is never over, and others of many parts and packs. */
	recorder_put(port, recording_part(port, recorder_next_id(port), 0,
	    false));
	for (;;) {
		for (int i = 0; i < 50; i++)
			last = recording_session(port, 20000);
		if (!recorder_flush(r) ||
		    write(told, &last, sizeof(last)) != sizeof(last))
			_exit(1);
	}
}

START_TEST(a_kill_at_any_instant_loses_nothing_that_was_committed)
{
	struct recorder_port *port;
	uint64_t last = 0, next;
	int told[2], rounds = 3 + _i * 2;
	char expected[32];
	pid_t child;

	ck_assert_int_eq(pipe(told), 0);
	child = fork();
	if (child == 0)
		put_until_killed(told[1]);
	close(told[1]);
	for (int i = 0; i < rounds; i++)
		ck_assert_int_eq(read(told[0], &last, sizeof(last)),
		    sizeof(last));
	poll(NULL, 0, _i % 5);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	while (read(told[0], &next, sizeof(next)) == sizeof(next))
		last = next;
	close(told[0]);
	recording_close(recording_open(&port));
	recording_says("pragma integrity_check", "ok");
	(void)snprintf(expected, sizeof(expected), "%d", (int)last - 1);
	{
		char sql[128];

		(void)snprintf(sql, sizeof(sql), "select count(*) from message"
		    " where length(recipients) > 0 and session_id in"
		    " (select uuid from session_row where id <= %d)", (int)last);
		recording_says(sql, expected);
	}
	recording_says("select count(*) from session where ended_by is null",
	    "0");
	recording_says("select ended_by from session limit 1", "interrupted");
	recording_says("select count(*) from session_row s where state = 1 and"
	    " not exists (select 1 from part p where p.id = s.id << 24)", "0");
}
END_TEST

static void
wait_until(bool (*claim)(const struct recorder_port *),
    const struct recorder_port *port)
{
	for (int i = 0; i < 5000 && !claim(port); i++)
		poll(NULL, 0, 1);
	ck_assert(claim(port));
}

static bool
works(const struct recorder_port *port)
{
	return !recorder_failing(port);
}

static void
wake(void *drained)
{
	sem_post(drained);
}

static void
assert_waits_for_room(const char *reason, void (*make_room)(void))
{
	struct recorder_port *port;
	sem_t drained;
	char error[RECORD_ERROR_MAX];
	struct recorder_limits limits = recorder_default_limits;
	struct recorder *r = recorder_open(recording_path("sessions.db"),
	    &limits, error);

	ck_assert_msg(r != NULL, "%s", error);
	sem_init(&drained, 0, 0);
	port = recorder_port(r, wake, &drained);
	for (int i = 0; i < 200; i++)
		(void)recording_session(port, 40000);
	ck_assert(!recorder_flush(r));
	recorder_error(r, error);
	ck_assert_msg(strstr(error, reason) &&
	    strstr(error, recording_path("sessions.db")), "%s", error);
	wait_until(recorder_failing, port);
	make_room();
	sem_wait(&drained);
	wait_until(works, port);
	ck_assert(recorder_flush(r));
	recorder_error(r, error);
	ck_assert_str_eq(error, "");
	recording_close(r);
	recording_says("select count(*) from message", "200");
	recording_says("pragma integrity_check", "ok");
}

static void
limit_files(rlim_t octets)
{
	struct rlimit limit = { octets, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
lift_limit(void)
{
	limit_files(RLIM_INFINITY);
}

START_TEST(writes_that_fail_are_kept_and_tried_again)
{
	limit_files(1 << 20);
	assert_waits_for_room("disk I/O error", lift_limit);
}
END_TEST

static void
remove_ballast(void)
{
	ck_assert_int_eq(unlink(recording_path("ballast")), 0);
}

START_TEST(a_full_disk_loses_nothing)
{
	char block[65536] = { 1 };
	int fd;

	/* The mount is gone with this process. */
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", recording_path(""), "tmpfs", 0, "size=24m") != 0) {
		puts("a_full_disk_loses_nothing: not root, nothing tested");
		return;
	}
	fd = open(recording_path("ballast"), O_CREAT | O_WRONLY, 0600);
	for (int i = 0; i < 20 * 16; i++)
		ck_assert_int_eq(write(fd, block, sizeof(block)),
		    sizeof(block));
	close(fd);
	assert_waits_for_room("full", remove_ballast);
	recording_teardown();
	umount2(recording_path(""), MNT_DETACH);
}
END_TEST

/* A recorder whose queue is full at 1 MiB. */
static struct recorder *
open_small(struct recorder_port **port, sem_t *drained)
{
	struct recorder_limits limits = { .queue_octets = 1 << 20,
	    .batch_ns = 20000000 };
	char error[RECORD_ERROR_MAX];
	struct recorder *r = recorder_open(recording_path("sessions.db"),
	    &limits, error);

	ck_assert_msg(r != NULL, "%s", error);
	sem_init(drained, 0, 0);
	*port = recorder_port(r, wake, drained);
	return r;
}

START_TEST(sessions_that_end_while_a_failing_queue_is_full_are_counted)
{
	char error[RECORD_ERROR_MAX];
	struct recorder_port *port;
	sem_t drained;
	struct recorder *r = open_small(&port, &drained);

	limit_files(4096);
	(void)recording_session(port, 40000);
	while (!recorder_failing(port))
		poll(NULL, 0, 1);
	for (int i = 1; i < 100; i++)
		(void)recording_session(port, 40000);
	ck_assert(!recorder_flush(r));
	lift_limit();
	sem_wait(&drained);
	ck_assert(recorder_flush(r));
	recording_says("select count(*) from gap", "1");
	recording_says("select start_us < end_us and sessions > 40 and sessions"
	    " + (select count(*) from message) = 100 from gap", "1");
	ck_assert(!recorder_close(r, error));
	ck_assert_msg(strstr(error, "sessions were not recorded while it could"
	    " not be written"), "%s", error);
}
END_TEST

START_TEST(sessions_that_end_while_the_writer_is_only_slow_are_all_kept)
{
	struct recorder_port *port;
	sem_t drained;
	struct recorder *r = open_small(&port, &drained);

	for (int i = 0; i < 1000; i++)
		(void)recording_session(port, 40000);
	recording_close(r);
	recording_says("select count(*) from message", "1000");
	recording_says("select count(*) from gap", "0");
}
END_TEST

START_TEST(close_says_what_it_could_not_write)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);
	char error[RECORD_ERROR_MAX];

	limit_files(4096);
	(void)recording_session(port, 40000);
	ck_assert(!recorder_close(r, error));
	ck_assert_msg(strstr(error, "disk I/O error"), "%s", error);
	lift_limit();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("durability");
	TCase *tc = tcase_create("durability");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, recording_setup, recording_teardown);
	tcase_add_loop_test(tc,
	    a_kill_at_any_instant_loses_nothing_that_was_committed, 0, 10);
	tcase_add_test(tc, writes_that_fail_are_kept_and_tried_again);
	tcase_add_test(tc, a_full_disk_loses_nothing);
	tcase_add_test(tc,
	    sessions_that_end_while_a_failing_queue_is_full_are_counted);
	tcase_add_test(tc,
	    sessions_that_end_while_the_writer_is_only_slow_are_all_kept);
	tcase_add_test(tc, close_says_what_it_could_not_write);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
