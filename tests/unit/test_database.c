/* database: what a recorder opens, and what it refuses and leaves alone. */
#include "record/recorder.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/recording.h"

START_TEST(all_files_are_for_their_owner_only)
{
	static const char *const names[] = {
		"sessions.db", "sessions.db-wal", "sessions.db-shm" };
	struct recorder_port *port;
	struct recorder *r;
	struct stat st;

	umask(0);
	r = recording_open(&port);
	(void)recording_session(port, 10);
	ck_assert(recorder_flush(r));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(stat(recording_path(names[i]), &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
	}
	recording_close(r);
}
END_TEST

/* Run in a child of its own: a process that opens and closes a database loses
 * the locks it has on it. */
static void
assert_in_use(void)
{
	char error[RECORD_ERROR_MAX] = "";
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct recorder *r = recorder_open(
		    recording_path("sessions.db"), &recorder_default_limits,
		    error);

		_exit(r || !strstr(error,
		    "is in use by another smtptap process"));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

START_TEST(a_second_writer_is_refused)
{
	struct recorder_port *port;
	struct recorder *r = recording_open(&port);

	assert_in_use();
	(void)recording_session(port, 10);
	recording_close(r);
	recording_close(recording_open(&port));
	recording_says("select count(*) from message", "1");
}
END_TEST

static void
assert_refused(const char *path, const char *why)
{
	char error[RECORD_ERROR_MAX] = "";

	ck_assert_ptr_null(recorder_open(path, &recorder_default_limits,
	    error));
	ck_assert_msg(strstr(error, why) && (!*path || strstr(error, path)),
	    "%s", error);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(what_is_no_database_is_refused_and_left_alone)
{
	const char *path = recording_path("notes.txt");
	char text[64] = "";
	FILE *f;

	write_file(path, "Dear diary, this is not a database at all.\n");
	assert_refused(path, "is not a SQLite database");
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), f));
	fclose(f);
	ck_assert_str_eq(text, "Dear diary, this is not a database at all.\n");
}
END_TEST

START_TEST(paths_that_cannot_be_written_are_refused)
{
	const char *link = recording_path("link.db");
	const char *fifo = recording_path("fifo");

	assert_refused(recording_path("none/x.db"), "No such file");
	assert_refused(recording_path(""), "Is a directory");
	assert_refused("", "No such file");
	ck_assert_int_eq(symlink("target.db", link), 0);
	assert_refused(link, "is a symbolic link");
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	assert_refused(fifo, "is not a file");
}
END_TEST

START_TEST(a_path_is_a_path_whatever_it_looks_like)
{
	static const char *const names[] = { ":memory:", "file:x?mode=memory",
	    "a%41#?b c" };
	char error[RECORD_ERROR_MAX];
	struct stat st;

	ck_assert_int_eq(chdir(recording_path("")), 0);
	for (int i = 0; i < 3; i++) {
		struct recorder *r = recorder_open(names[i],
		    &recorder_default_limits, error);

		ck_assert_msg(r != NULL, "%s", error);
		recording_close(r);
		ck_assert_int_eq(stat(names[i], &st), 0);
		ck_assert_int_gt(st.st_size, 16384);
	}
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("database");
	TCase *tc = tcase_create("database");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, recording_setup, recording_teardown);
	tcase_add_test(tc, all_files_are_for_their_owner_only);
	tcase_add_test(tc, a_second_writer_is_refused);
	tcase_add_test(tc, what_is_no_database_is_refused_and_left_alone);
	tcase_add_test(tc, paths_that_cannot_be_written_are_refused);
	tcase_add_test(tc, a_path_is_a_path_whatever_it_looks_like);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}
