/* docs/EVENTS.md says of every event what inspect/anomalies.def says. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/smtp.h"

static char manual[65536];

static void
read_manual(void)
{
	FILE *file = fopen("docs/EVENTS.md", "r");
	size_t n;

	ck_assert_msg(file != NULL, "docs/EVENTS.md is not there");
	n = fread(manual, 1, sizeof manual - 1, file);
	ck_assert_uint_lt(n, sizeof manual - 1);
	manual[n] = '\0';
	(void)fclose(file);
}

START_TEST(every_anomaly_has_its_row)
{
	const struct smtp_anomaly_row *row = smtp_anomaly(_i);
	char line[500];

	read_manual();
	(void)snprintf(line, sizeof line, "\n| %s | %s | %s | %s |\n",
	    row->name, row->severity, row->meaning, row->section);
	ck_assert_msg(strstr(manual, line) != NULL, "not there: %s", line);
}
END_TEST

static unsigned
columns(const char *line)
{
	unsigned n = 0;

	for (; *line; line++)
		n += *line == '|';
	return n ? n - 1 : 0;
}

/* Rows with four columns are of anomalies, those with three of smtptap. */
START_TEST(no_row_is_of_something_else)
{
	unsigned rows = 0;

	read_manual();
	for (char *line = strtok(manual, "\n"); line; line = strtok(NULL, "\n"))
		rows += columns(line) == 4 && line[1] != '-' &&
		    strncmp(line, "| name |", 8) != 0;
	ck_assert_uint_eq(rows, SMTP_ANOMALIES);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("events");
	TCase *tests = tcase_create("events");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, every_anomaly_has_its_row, 0,
	    SMTP_ANOMALIES);
	tcase_add_test(tests, no_row_is_of_something_else);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
