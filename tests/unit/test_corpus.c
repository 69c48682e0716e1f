/* Captures of real sessions, and malformed ones, which lie beside the project
 * and are no part of it: ../shared/corpus, or $SMTPTAP_CORPUS. Each goes through
 * the engine whole, in single octets and in pieces: the same events, all bytes
 * in them. Without the folder there is nothing to check. */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/script_file.h"

static const char *const patterns[] = {
	"_streams/*.dlg", "_streams/*.c2s", "_streams/*.s2c", "_seeds/*.c2s",
	"_seeds/*.s2c",
};

static const char *
folder(void)
{
	const char *named = getenv("SMTPTAP_CORPUS");

	return named ? named : "../shared/corpus";
}

static void
check_file(const char *path)
{
	static const size_t pieces[] = { 2, 3, 5, 17, 64, 536, 1460, 16384 };
	struct script s = { .n = 0 };
	struct script_trace t = { .finding = "" };
	const char *finding;
	char error[200];

	if (!script_read(&s, path, error))
		ck_abort_msg("%s", error);
	finding = script_check(&s, 7, &t);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]) && !finding;
	    i++)
		finding = script_same(&s, pieces[i], 0, &t);
	if (finding)
		ck_abort_msg("%s: %s", path, finding);
	script_trace_free(&t);
	script_free(&s);
}

START_TEST(captures_give_the_same_events_at_every_chunk_size)
{
	glob_t found = { .gl_pathc = 0 };
	char pattern[512];
	int flags = 0;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		(void)snprintf(pattern, sizeof(pattern), "%s/%s", folder(),
		    patterns[i]);
		if (glob(pattern, flags, NULL, &found) == 0)
			flags = GLOB_APPEND;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_file(found.gl_pathv[i]);
	printf("corpus: %zu captures in %s\n", found.gl_pathc, folder());
	if (flags)
		globfree(&found);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("corpus");
	TCase *t = tcase_create("captures");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 300);
	tcase_add_test(t, captures_give_the_same_events_at_every_chunk_size);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
