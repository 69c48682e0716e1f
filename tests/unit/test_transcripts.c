/* Every scenario of tests/transcripts, at every chunk size: the same events,
 * all bytes in them, and the departures that the scenario names. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "play.h"

#define FOLDER "tests/transcripts/"

static struct dirent **names;
static int n_names;

static size_t
longest(const struct play *p)
{
	size_t n = 1;

	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].n > n)
			n = p->steps[i].n;
	return n;
}

static void
same_events(const char *name, size_t chunk, const struct play_log whole[2],
    const struct play_log cut[2])
{
	for (int side = 0; side < 2; side++)
		if (whole[side].n != cut[side].n || (whole[side].n &&
		    memcmp(whole[side].p, cut[side].p, whole[side].n)))
			ck_abort_msg("%s: in chunks of %zu the %s's events "
			    "are\n%.*swhole they are\n%.*s", name, chunk,
			    side == SMTP_CLIENT ? "client" : "server",
			    (int)cut[side].n, cut[side].p,
			    (int)whole[side].n, whole[side].p);
}

static void
check_names(const char *name, struct play *p, const struct play_log log[2])
{
	char got[4096];

	play_names(log, got, sizeof got);
	play_sort_names(p->expected);
	if (strcmp(got, p->expected))
		ck_abort_msg("%s: expected the events\n%sgot\n%sfrom\n%.*s%.*s",
		    name, p->expected, got, (int)log[0].n, log[0].p,
		    (int)log[1].n, log[1].p);
}

START_TEST(scenario_is_the_same_at_every_chunk_size)
{
	const char *name = names[_i]->d_name;
	struct play_log whole[2], cut[2];
	char path[512], error[256];
	const char *why;
	struct play p;
	size_t most;

	play_init(&p);
	(void)snprintf(path, sizeof path, FOLDER "%s", name);
	if (!play_load(&p, path, error))
		ck_abort_msg("%s", error);
	ck_assert_msg(p.n_steps, "%s: nothing is said in it", name);
	why = play_run(&p, PLAY_SIDE_MAX, whole);
	ck_assert_msg(why == NULL, "%s: %s", name, why);
	check_names(name, &p, whole);
	most = longest(&p);
	for (size_t chunk = 1; chunk <= most; chunk += chunk < 200 ? 1 : 97) {
		why = play_run(&p, chunk, cut);
		ck_assert_msg(why == NULL, "%s in chunks of %zu: %s", name,
		    chunk, why);
		same_events(name, chunk, whole, cut);
		play_log_free(cut);
	}
	play_log_free(whole);
	play_free(&p);
}
END_TEST

static int
is_scenario(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && strcmp(e->d_name + n - 5, ".smtp") == 0;
}

START_TEST(scenarios_are_found)
{
	ck_assert_int_ge(n_names, 6);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("transcripts");
	TCase *t = tcase_create("scenarios");
	SRunner *runner;
	int failed;

	n_names = scandir(FOLDER, &names, is_scenario, alphasort);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, scenarios_are_found);
	tcase_add_loop_test(t, scenario_is_the_same_at_every_chunk_size, 0,
	    n_names > 0 ? n_names : 0);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	while (n_names > 0)
		free(names[--n_names]);
	free(names);
	return failed != 0;
}
