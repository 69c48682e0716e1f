/* Every case of tests/vectors/inspect.txt through engine and gate, cut in every
 * way; and every scenario of tests/transcripts through a gate that holds all and
 * changes nothing. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/transcript.h"
#include "proxy/config.h"
#include "tests/unit/gated.h"
#include "tests/unit/play.h"
#include "tests/unit/vectors.h"

#define FOLDER "tests/transcripts/"

/* Rules that never hold, so that both sides are held. */
#define HOLDS_ALL "match \"command length\" { gt = 1GiB action = drop }\n" \
	"match \"reply length\" { gt = 1GiB action = drop }\n" \
	"match \"header length\" { gt = 1GiB action = drop }\n"

/* How a run is cut: every step into chunks, or one step into three pieces. */
struct cut {
	size_t chunk;		/* 0: not */
	unsigned step;
	size_t at[2];
};

static struct vector vectors[VECTORS_MAX];
static size_t n_vectors;
static char load_error[VECTORS_ERROR];
static struct dirent **scenarios;
static int n_scenarios;

/* The policy of a text, without the name of it. */
static const struct policy *
make_policy(const char *options, struct policies **owner)
{
	static struct config_report report;
	char text[1024];

	(void)snprintf(text, sizeof text, "policy \"under-test\" {\n%s\n}\n",
	    options);
	*owner = config_policies(text, "proxy.test", &report);
	ck_assert_msg(*owner != NULL, "%s\nof %s", report.errors, text);
	return policies_find(*owner, "under-test");
}

/* Bytes as a transcript shows them; good until the third call after it. */
static const char *
shown(struct span bytes)
{
	static char text[3][8 * VECTOR_ALL_MAX];
	static unsigned i;
	char *p = text[i = (i + 1) % 3];
	size_t n = 0;

	while (bytes.n && n + 16 < sizeof text[0])
		n += transcript_escape(&bytes, false, p + n,
		    sizeof text[0] - n - 1);
	p[n] = '\0';
	return p;
}

static void
same(const char *name, const struct cut *cut, const char *what,
    struct span got, struct span expected)
{
	if (got.n != expected.n ||
	    (got.n && memcmp(got.p, expected.p, got.n)))
		ck_abort_msg("%s (chunk %zu, or step %u at %zu, %zu): %s\n"
		    "  %s\nexpected\n  %s", name, cut->chunk, cut->step,
		    cut->at[0], cut->at[1], what, shown(got), shown(expected));
}

static void
say_cut(struct gated *g, const struct vector *v, unsigned i,
    const struct cut *cut)
{
	const struct vector_step *step = &v->steps[i];
	struct span left = { step->bytes, step->n };
	size_t gone = 0;

	while (left.n) {
		size_t n = left.n;

		if (cut->chunk)
			n = n < cut->chunk ? n : cut->chunk;
		else if (i == cut->step && gone < cut->at[0])
			n = cut->at[0];
		else if (i == cut->step && gone < cut->at[1])
			n = cut->at[1] - gone;
		gone += n;
		gated_say(g, step->side, span_cut(&left, n));
	}
}

static void
say_all(struct gated *g, const struct vector *v, const struct cut *cut)
{
	unsigned of_server = 0;

	for (unsigned i = 0; i < v->n_steps; i++) {
		of_server += v->steps[i].side == SMTP_SERVER;
		if (v->early && of_server == 2)
			ck_assert_msg(span_line(gated_at(g, SMTP_CLIENT)),
			    "%s: the first line waits for the second", v->name);
		say_cut(g, v, i, cut);
	}
}

/* Each command has its reply, in the eyes of the client and of the server. */
static void
in_step(const char *name, const struct gated *g)
{
	for (int side = 0; side < 2; side++) {
		const struct gated_observer *o = &g->beside[side];

		ck_assert_msg(!(o->odd[SMTP_SERVER] & SMTP_ODD(UNSOLICITED)),
		    "%s: a reply too many", name);
		ck_assert_msg(smtp_awaited(&o->smtp) == 0,
		    "%s: a reply is missing", name);
	}
}

static void
run(const struct vector *v, const struct policy *policy, const struct cut *cut)
{
	struct gated g;

	gated_open(&g, policy);
	say_all(&g, v, cut);
	ck_assert_msg(g.wrong == NULL, "%s: %s", v->name, g.wrong);
	same(v->name, cut, "the server got", gated_at(&g, SMTP_SERVER),
	    (struct span){ v->arrives[SMTP_SERVER].bytes,
	    v->arrives[SMTP_SERVER].n });
	same(v->name, cut, "the client got", gated_at(&g, SMTP_CLIENT),
	    (struct span){ v->arrives[SMTP_CLIENT].bytes,
	    v->arrives[SMTP_CLIENT].n });
	in_step(v->name, &g);
	gated_close(&g);
}

/* Call for every way: whole, every chunk size, and every step in three pieces
 * cut at every pair of offsets. */
static void
every_cut(const struct vector *v, const struct policy *policy,
    void (*one)(const struct vector *, const struct policy *,
    const struct cut *))
{
	for (size_t chunk = 1; chunk < VECTOR_STEP_MAX; chunk++)
		one(v, policy, &(struct cut){ .chunk = chunk });
	for (unsigned i = 0; i < v->n_steps; i++)
		for (size_t a = 0; a < v->steps[i].n; a++)
			for (size_t b = a; b <= v->steps[i].n; b++)
				one(v, policy, &(struct cut){ .step = i,
				    .at = { a, b } });
}

START_TEST(T01_to_T24_are_there)
{
	char name[16];

	ck_assert_msg(n_vectors == 24, "%zu cases; %s", n_vectors, load_error);
	for (size_t i = 0; i < n_vectors; i++) {
		(void)snprintf(name, sizeof name, "T%02u", (unsigned)i + 1);
		ck_assert_str_eq(vectors[i].name, name);
	}
}
END_TEST

START_TEST(vector_comes_out_right_at_every_cut)
{
	struct policies *owner;

	every_cut(&vectors[_i], make_policy(vectors[_i].policy, &owner), run);
	policies_free(owner);
}
END_TEST

static void
run_unchanged(const struct vector *v, const struct policy *policy,
    const struct cut *cut)
{
	char all[2][VECTOR_STEPS_MAX * VECTOR_STEP_MAX];
	size_t n[2] = { 0, 0 };
	struct gated g;

	for (unsigned i = 0; i < v->n_steps; i++) {
		const struct vector_step *s = &v->steps[i];

		memcpy(all[s->side] + n[s->side], s->bytes, s->n);
		n[s->side] += s->n;
	}
	gated_open(&g, policy);
	say_all(&g, v, cut);
	ck_assert_msg(g.wrong == NULL, "%s: %s", v->name, g.wrong);
	for (int side = 0; side < 2; side++)
		same(v->name, cut, "in a dry run a side got",
		    gated_at(&g, (enum smtp_side)side),
		    (struct span){ all[!side], n[!side] });
	gated_close(&g);
}

START_TEST(vector_is_unchanged_in_a_dry_run)
{
	char options[sizeof vectors[0].policy + 32];
	struct policies *owner;

	(void)snprintf(options, sizeof options, "%sdry-run = yes",
	    vectors[_i].policy);
	every_cut(&vectors[_i], make_policy(options, &owner), run_unchanged);
	policies_free(owner);
}
END_TEST

static void
end_both(struct gated *g)
{
	gated_end(g, SMTP_SERVER);
	gated_end(g, SMTP_CLIENT);
}

static void
play(struct gated *g, const struct play *p, size_t chunk)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct play_step *s = &p->steps[i];
		struct span left = { p->bytes[s->side] + s->at, s->n };

		if (s->end)
			gated_end(g, s->side);
		while (left.n)
			gated_say(g, s->side, span_cut(&left,
			    left.n < chunk ? left.n : chunk));
	}
	end_both(g);
}

static void
passes_whole(const char *name, const struct play *p,
    const struct policy *policy, size_t chunk)
{
	struct cut cut = { .chunk = chunk };
	struct gated g;

	gated_open(&g, policy);
	play(&g, p, chunk);
	ck_assert_msg(g.wrong == NULL, "%s: %s", name, g.wrong);
	for (int side = 0; side < 2; side++)
		same(name, &cut, "a side got", gated_at(&g,
		    (enum smtp_side)side), (struct span){ p->bytes[!side],
		    p->n[!side] });
	gated_close(&g);
}

START_TEST(scenario_passes_unchanged_though_all_of_it_is_held)
{
	const char *name = scenarios[_i]->d_name;
	const struct policy *policy;
	struct policies *owner;
	char path[512], error[256];
	struct play p;

	policy = make_policy(HOLDS_ALL, &owner);
	ck_assert(policy->holds[SMTP_CLIENT] && policy->holds[SMTP_SERVER]);
	play_init(&p);
	(void)snprintf(path, sizeof path, FOLDER "%s", name);
	ck_assert_msg(play_load(&p, path, error), "%s", error);
	for (size_t chunk = 1; chunk < 40; chunk++)
		passes_whole(name, &p, policy, chunk);
	passes_whole(name, &p, policy, PLAY_SIDE_MAX);
	play_free(&p);
	policies_free(owner);
}
END_TEST

static const char *const policies_tried[] = {
	"profile = mask", "profile = strict", "profile = asa", "profile = pix",
	"profile = mask\nscrub-text = yes\nscrub-queue-ids = yes\n"
	"bare-newline = normalize\nehlo-strip = {\"SIZE\", \"AUTH\"}\n"
	"ehlo-add = {\"XRECORD\"}\nblock = {\"VRFY\", \"RSET\", \"BDAT\"}",
	"bare-newline = reject\nehlo-keep = {\"PIPELINING\", \"SIZE\"}\n"
	"ehlo-size-limit = 1000\nauth-allow = {\"PLAIN\"}",
};
enum { POLICIES_TRIED = sizeof policies_tried / sizeof *policies_tried };

/* What arrives at both sides of a scenario, and whether it ended for them. */
static void
same_in_chunks(const char *name, const struct play *p,
    const struct policy *policy, size_t chunk, const struct gated *whole)
{
	struct cut cut = { .chunk = chunk };
	struct gated g;

	gated_open(&g, policy);
	play(&g, p, chunk);
	ck_assert_msg(g.wrong == NULL, "%s: %s", name, g.wrong);
	for (int side = 0; side < 2; side++)
		same(name, &cut, side == SMTP_CLIENT ? "the client got" :
		    "the server got", gated_at(&g, (enum smtp_side)side),
		    gated_at(whole, (enum smtp_side)side));
	ck_assert_msg(g.closed == whole->closed && g.left == whole->left,
	    "%s in chunks of %zu ends in another way", name, chunk);
	gated_close(&g);
}

START_TEST(scenario_is_edited_alike_however_it_is_cut)
{
	const char *name = scenarios[_i / POLICIES_TRIED]->d_name;
	const struct policy *policy;
	struct policies *owner;
	char path[512], error[256];
	struct gated whole;
	struct play p;

	policy = make_policy(policies_tried[_i % POLICIES_TRIED], &owner);
	play_init(&p);
	(void)snprintf(path, sizeof path, FOLDER "%s", name);
	ck_assert_msg(play_load(&p, path, error), "%s", error);
	gated_open(&whole, policy);
	play(&whole, &p, PLAY_SIDE_MAX);
	ck_assert_msg(whole.wrong == NULL, "%s: %s", name, whole.wrong);
	for (size_t chunk = 1; chunk < 30; chunk++)
		same_in_chunks(name, &p, policy, chunk, &whole);
	gated_close(&whole);
	play_free(&p);
	policies_free(owner);
}
END_TEST

/* Whatever the policy would do. */
START_TEST(scenario_passes_unchanged_in_a_dry_run)
{
	const char *name = scenarios[_i / POLICIES_TRIED]->d_name;
	const struct policy *policy;
	struct policies *owner;
	char path[512], error[256], options[512];
	struct play p;

	(void)snprintf(options, sizeof options, "%s\ndry-run = yes",
	    policies_tried[_i % POLICIES_TRIED]);
	policy = make_policy(options, &owner);
	play_init(&p);
	(void)snprintf(path, sizeof path, FOLDER "%s", name);
	ck_assert_msg(play_load(&p, path, error), "%s", error);
	passes_whole(name, &p, policy, 1);
	passes_whole(name, &p, policy, 7);
	passes_whole(name, &p, policy, PLAY_SIDE_MAX);
	play_free(&p);
	policies_free(owner);
}
END_TEST

static int
is_scenario(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && strcmp(e->d_name + n - 5, ".smtp") == 0;
}

int
main(void)
{
	Suite *s = suite_create("vectors");
	TCase *t = tcase_create("vectors"), *p = tcase_create("scenarios");
	SRunner *runner;
	int failed;

	n_vectors = vectors_load("tests/vectors/inspect.txt", vectors,
	    load_error);
	n_scenarios = scandir(FOLDER, &scenarios, is_scenario, alphasort);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, T01_to_T24_are_there);
	tcase_add_loop_test(t, vector_comes_out_right_at_every_cut, 0,
	    (int)n_vectors);
	tcase_add_loop_test(t, vector_is_unchanged_in_a_dry_run, 0,
	    (int)n_vectors);
	suite_add_tcase(s, t);
	tcase_set_timeout(p, 120);
	tcase_add_loop_test(p,
	    scenario_passes_unchanged_though_all_of_it_is_held, 0,
	    n_scenarios > 0 ? n_scenarios : 0);
	tcase_add_loop_test(p, scenario_is_edited_alike_however_it_is_cut, 0,
	    n_scenarios > 0 ? n_scenarios * POLICIES_TRIED : 0);
	tcase_add_loop_test(p, scenario_passes_unchanged_in_a_dry_run, 0,
	    n_scenarios > 0 ? n_scenarios * POLICIES_TRIED : 0);
	suite_add_tcase(s, p);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	while (n_scenarios > 0)
		free(scenarios[--n_scenarios]);
	free(scenarios);
	return failed != 0;
}
