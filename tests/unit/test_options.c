/* The command line is read as meant, and what is wrong is named. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/options.h"

#define WHOLE "-l", "127.0.0.1:0", "-u", "mx", "-r", "none"
#define ARGS 12

static char error[OPTIONS_ERROR];

static bool
parse(struct options *o, const char *const args[ARGS])
{
	char *argv[ARGS + 2] = { (char[]){ "smtptapd" } };
	int n = 1;

	for (; args[n - 1]; n++)
		argv[n] = (char *)(uintptr_t)args[n - 1];
	error[0] = '\0';
	return options_parse(o, n, argv, error);
}

START_TEST(the_least_is_enough)
{
	struct options o;

	ck_assert_msg(parse(&o, (const char *const[ARGS]){ WHOLE }), "%s",
	    error);
	ck_assert_str_eq(o.upstream.host, "mx");
	ck_assert_int_eq(o.upstream.port, 25);
	ck_assert_uint_eq(o.listen.n, 1);
	ck_assert_uint_ge(o.threads, 1);
	ck_assert_uint_le(o.threads, 4);
	ck_assert_double_eq(o.idle_timeout, 300);
	ck_assert_double_eq(o.data_timeout, 600);
	ck_assert_double_eq(o.connect_timeout, 30);
	ck_assert_double_eq(o.drain_timeout, 30);
	ck_assert_int_eq(o.ready_fd, -1);
}
END_TEST

START_TEST(help_and_version_need_nothing_else)
{
	struct options o;

	ck_assert(parse(&o, (const char *const[ARGS]){ "--help" }) && o.help);
	ck_assert(parse(&o, (const char *const[ARGS]){ "-V" }) && o.version);
}
END_TEST

START_TEST(a_file_is_enough)
{
	struct options o;

	ck_assert_msg(parse(&o, (const char *const[ARGS]){ "-c", "x.conf" }),
	    "%s", error);
	ck_assert_str_eq(o.config, "x.conf");
	ck_assert(!o.check);
	ck_assert(parse(&o, (const char *const[ARGS]){ "-tc", "x.conf" }) &&
	    o.check);
}
END_TEST

START_TEST(options_repeat_and_stack)
{
	struct options o;

	ck_assert_msg(parse(&o, (const char *const[ARGS]){ WHOLE, "-vvl",
	    "[::1]:2525", "--listen=*:25", "-f" }), "%s", error);
	ck_assert_uint_eq(o.verbose, 2);
	ck_assert_uint_eq(o.listen.n, 3);
	ck_assert_str_eq(o.listen.list[1].host, "::1");
	ck_assert_int_eq(o.listen.list[2].port, 25);
}
END_TEST

static const struct {
	const char *text;
	double seconds;
} times[] = {
	{ "500ms", 0.5 }, { "10s", 10 }, { "10", 10 }, { "5m", 300 },
	{ "1h", 3600 }, { "1d", 86400 }, { "1.5s", 1.5 },
};

START_TEST(a_time_has_a_unit)
{
	struct options o;

	ck_assert_msg(parse(&o, (const char *const[ARGS]){ WHOLE,
	    "--idle-timeout", times[_i].text }), "%s", error);
	ck_assert_double_eq_tol(o.idle_timeout, times[_i].seconds, 1e-9);
}
END_TEST

static const struct {
	const char *const args[ARGS];
	const char *names;	/* what the sentence says */
} wrong[] = {
	{ { "-u", "mx", "-r", "none" }, "--listen" },
	{ { "-l", ":0", "-r", "none" }, "--upstream" },
	{ { "-l", ":0", "-u", "mx" }, "--record" },
	{ { WHOLE, "--bogus" }, "unknown option --bogus" },
	{ { WHOLE, "-Z" }, "unknown option -Z" },
	{ { WHOLE, "stray" }, "unexpected argument stray" },
	{ { "--listen" }, "--listen needs a value" },
	{ { "-l" }, "--listen needs a value" },
	{ { WHOLE, "--quiet=yes" }, "--quiet takes no value" },
	{ { WHOLE, "-l", "localhost:25" }, "not a name" },
	{ { WHOLE, "-l", "127.0.0.1" }, "ADDR:PORT" },
	{ { WHOLE, "-l", "127.0.0.1:65536" }, "ADDR:PORT" },
	{ { WHOLE, "-u", "mx:0" }, "HOST:PORT" },
	{ { WHOLE, "-u", ":25" }, "HOST:PORT" },
	{ { WHOLE, "-u", "" }, "HOST:PORT" },
	{ { WHOLE, "-r", "" }, "name of a file" },
	{ { WHOLE, "--threads", "0" }, "from 1 to 64" },
	{ { WHOLE, "--threads", "65" }, "from 1 to 64" },
	{ { WHOLE, "--max-sessions", "-1" }, "from 1 to" },
	{ { WHOLE, "--ready-fd", "x" }, "file descriptor" },
	{ { WHOLE, "--idle-timeout", "5 m" }, "a time like" },
	{ { WHOLE, "--idle-timeout", "-5m" }, "a time like" },
	{ { WHOLE, "--idle-timeout", "nan" }, "a time like" },
	{ { WHOLE, "--idle-timeout", "1e3s" }, "a time like" },
	{ { WHOLE, "--idle-timeout", "0s" }, "a time like" },
	{ { WHOLE, "--idle-timeout", "" }, "a time like" },
	{ { WHOLE, "--on-record-failure", "panic" }, "pass, stall or refuse" },
	{ { "--config", "f", "--listen", ":0" }, "--listen is not accepted" },
	{ { "--config", "f", "-u", "mx" }, "--upstream is not accepted" },
	{ { "--config", "f", "--threads", "2" }, "--threads is not accepted" },
	{ { "--config", "f", "--policy", "mask" }, "--policy is not accepted" },
	{ { WHOLE, "--policy", "nix" }, "none, mask, strict, asa or pix" },
	{ { "--check" }, "--config" },
};

START_TEST(what_is_wrong_is_named)
{
	struct options o;

	ck_assert(!parse(&o, wrong[_i].args));
	ck_assert_msg(strstr(error, wrong[_i].names) != NULL, "\"%s\" in: %s",
	    wrong[_i].names, error);
	ck_assert_msg(strchr(error, '\n') == NULL, "one sentence: %s", error);
}
END_TEST

START_TEST(there_is_a_bound_on_listeners)
{
	const char *const many[] = { "-l:0", "-l:0", "-l:0", "-l:0", "-l:0",
	    "-l:0", "-l:0", "-l:0", "-l:0", "-l:0", "-l:0", "-l:0", "-l:0",
	    "-l:0", "-l:0", "-l:0", "-l:0" };
	char *argv[1 + 17] = { (char[]){ "smtptapd" } };
	struct options o;

	for (int i = 0; i < 17; i++)
		argv[i + 1] = (char *)(uintptr_t)many[i];
	ck_assert(!options_parse(&o, 18, argv, error));
	ck_assert_ptr_nonnull(strstr(error, "16 others"));
}
END_TEST

static bool
has_option(const char *text, const char *name)
{
	char option[64];

	(void)snprintf(option, sizeof(option), " --%s", name);
	return strstr(text, option) != NULL;
}

START_TEST(help_lists_every_option)
{
	static const char *const names[] = {
#define OPTION(letter, name, place, key, argument, many, read, field, \
    fallback, example, help) name,
#include "proxy/options.def"
#undef OPTION
	};
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(f);
	options_help(f);
	ck_assert_int_eq(fclose(f), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		ck_assert_msg(names[i] == NULL || has_option(text, names[i]),
		    "%s", names[i]);
	for (const char *p = text, *end; *p; p = end + 1) {
		end = strchr(p, '\n');
		ck_assert_ptr_nonnull(end);
		ck_assert_msg(end - p < 80, "%.*s", (int)(end - p), p);
	}
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("options");
	TCase *tests = tcase_create("options");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, the_least_is_enough);
	tcase_add_test(tests, help_and_version_need_nothing_else);
	tcase_add_test(tests, a_file_is_enough);
	tcase_add_test(tests, options_repeat_and_stack);
	tcase_add_loop_test(tests, a_time_has_a_unit, 0,
	    (int)(sizeof(times) / sizeof(*times)));
	tcase_add_loop_test(tests, what_is_wrong_is_named, 0,
	    (int)(sizeof(wrong) / sizeof(*wrong)));
	tcase_add_test(tests, there_is_a_bound_on_listeners);
	tcase_add_test(tests, help_lists_every_option);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
