/* A configuration is read as meant, or refused with what is wrong with it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/config.h"

#define RECORD	 "record { file = none }\n"
#define LISTENER "listener \"mx\" { listen = {\"127.0.0.1:2525\"}  " \
	"upstream = \"127.0.0.1:25\" "
#define WHOLE	 RECORD LISTENER "}\n"

static struct config_report report;
static char dir[40], path[64], other[64];

static void
make_dir(void)
{
	(void)strcpy(dir, "/tmp/smtptap-config-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/x.conf", dir);
	(void)snprintf(other, sizeof(other), "%s/more.conf", dir);
}

static void
remove_dir(void)
{
	(void)unlink(path);
	(void)unlink(other);
	(void)rmdir(dir);
}

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static struct settings *
read_text(const char *text)
{
	write_file(path, text);
	return config_read(path, "this.host", &report);
}

static struct settings *
read_good(const char *text)
{
	struct settings *s = read_text(text);

	ck_assert_msg(s != NULL, "%s", report.errors);
	ck_assert_str_eq(report.errors, "");
	return s;
}

START_TEST(the_least_has_the_defaults)
{
	struct settings *s = read_good(WHOLE);
	const struct settings_listener *l = s->listeners;

	ck_assert_uint_eq(s->n_listeners, 1);
	ck_assert_str_eq(s->record, "none");
	ck_assert_int_eq(s->on_failure, ON_FAILURE_PASS);
	ck_assert_uint_ge(s->threads, 1);
	ck_assert_double_eq(s->drain_timeout, 30);
	ck_assert_ptr_null(s->rates);
	ck_assert_str_eq(l->name, "mx");
	ck_assert_uint_eq(l->n_listen, 1);
	ck_assert_int_eq(l->listen[0].port, 2525);
	ck_assert_str_eq(l->upstream.host, "127.0.0.1");
	ck_assert_ptr_null(l->policy);
	ck_assert_uint_eq(l->max_sessions, 0);
	ck_assert_double_eq(l->idle_timeout, 300);
	ck_assert_double_eq(l->data_timeout, 600);
	ck_assert_double_eq(l->connect_timeout, 30);
	settings_free(s);
}
END_TEST

START_TEST(every_option_is_heeded)
{
	struct settings *s = read_good(
	    "threads = 3\nmax-sessions = 70\ndrain-timeout = 7s\n"
	    "record { file = \"/x/y.db\"  on-failure = refuse }\n"
	    "listener \"a\" { listen = {\"127.0.0.1:1\", \":2\"}\n"
	    "  upstream = mx.example  policy = p  max-sessions = 9\n"
	    "  idle-timeout = 1m  data-timeout = 2m  connect-timeout = 500ms }\n"
	    "listener \"b\" { listen = \":3\"  upstream = \"[::1]:26\" }\n"
	    "policy \"p\" { match \"message\" { action = \"rate-limit 1/s\" } }\n");
	const struct settings_listener *l = s->listeners;

	ck_assert_uint_eq(s->threads, 3);
	ck_assert_uint_eq(s->max_sessions, 70);
	ck_assert_double_eq(s->drain_timeout, 7);
	ck_assert_str_eq(s->record, "/x/y.db");
	ck_assert_int_eq(s->on_failure, ON_FAILURE_REFUSE);
	ck_assert_ptr_nonnull(s->rates);
	ck_assert_uint_eq(s->n_listeners, 2);
	ck_assert_uint_eq(l[0].n_listen, 2);
	ck_assert_int_eq(l[0].upstream.port, 25);
	ck_assert_ptr_eq(l[0].policy, policies_find(s->policies, "p"));
	ck_assert_uint_eq(l[0].max_sessions, 9);
	ck_assert_double_eq(l[0].idle_timeout, 60);
	ck_assert_double_eq(l[0].data_timeout, 120);
	ck_assert_double_eq_tol(l[0].connect_timeout, .5, 1e-9);
	ck_assert_str_eq(l[1].name, "b");
	ck_assert_int_eq(l[1].upstream.port, 26);
	settings_free(s);
}
END_TEST

START_TEST(comments_stand_anywhere)
{
	settings_free(read_good("# one\n// two\n/* three\n */ record { # four\n"
	    "file /* five */ = none } " LISTENER "policy = p }\n"
	    "policy \"p\" { block = { # six\n\"VRFY\", # seven }\n"
	    "\"EXPN\" // eight\n} banner = \"a.b # no // comment\" }"));
}
END_TEST

START_TEST(an_include_is_found_beside_the_file)
{
	struct settings *s;

	write_file(other, "policy \"p\" { block = {\"VRFY\"} }\n");
	s = read_good("include(\"more.conf\")\n" RECORD LISTENER
	    "policy = p }\n");
	ck_assert_ptr_nonnull(s->listeners[0].policy);
	settings_free(s);
}
END_TEST

START_TEST(an_error_in_an_include_names_that_file)
{
	char expected[128];

	write_file(other, "\npolicy \"p\" { block = {\"V RFY\"} }\n");
	ck_assert_ptr_null(read_text("\ninclude(\"more.conf\")\n" WHOLE));
	(void)snprintf(expected, sizeof(expected), "%s:2: block \"V RFY\": ",
	    other);
	ck_assert_msg(strncmp(report.errors, expected, strlen(expected)) == 0,
	    "%s", report.errors);
}
END_TEST

START_TEST(a_circle_of_includes_is_refused)
{
	write_file(other, "include(\"more.conf\")\n");
	ck_assert_ptr_null(read_text("include(\"more.conf\")\n" WHOLE));
	ck_assert_ptr_nonnull(strstr(report.errors, "at most 10 within"));
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
	ck_assert_ptr_null(config_read("/nonexistent/x.conf", "h", &report));
	ck_assert_str_eq(report.errors,
	    "/nonexistent/x.conf: No such file or directory\n");
}
END_TEST

/* What an error leaves behind must not spoil the next file. */
START_TEST(a_good_file_is_read_after_any_bad_one)
{
	static const char *const bad[] = {
		"policy \"p\" { banner = \"no end }\n", "policy 'p",
		"/* no end", "policy \"\\999\" {", "record { file = ",
		"include(\"more.conf\")", "policy \"p\" {", "} ", "{", "\"",
	};

	write_file(other, "policy \"p\" { nonsense");
	for (int round = 0; round < 12; round++)
		for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			ck_assert_ptr_null(read_text(bad[i]));
			settings_free(read_good(WHOLE));
		}
}
END_TEST

static const struct {
	int line;
	const char *text, *says;
} wrong[] = {
	{ 0, "", "a listener is missing" },
	{ 0, LISTENER "}", "record { file = \"FILE.db\" } is missing" },
	{ 1, "bogus = 1\n", "no such option 'bogus'; accepted here: threads" },
	{ 3, WHOLE "listener \"b\" { xclient = on }", "no such option 'xclient'" },
	{ 3, WHOLE "transparent = redirect", "no such option" },
	{ 3, WHOLE "threads = 65", "threads \"65\": a number from 1 to 64" },
	{ 3, WHOLE "max-sessions = -1", "max-sessions \"-1\": a number" },
	{ 3, WHOLE "drain-timeout = 5 ", NULL },
	{ 3, WHOLE "drain-timeout = \"5 m\"", "a time like" },
	{ 1, "record { file = none on-failure = panic }",
	    "on-failure \"panic\": pass, stall or refuse" },
	{ 3, WHOLE "listener \"b\" { upstream = x }", "listen is missing" },
	{ 3, WHOLE "listener \"b\" { listen = \":1\" }", "upstream is missing" },
	{ 3, WHOLE "listener \"b\" { listen = {} upstream = x }",
	    "listen {}: at least one value" },
	{ 3, WHOLE "listener \"b\" { listen = x:1 upstream = x }",
	    "listen \"x:1\": an address of this machine" },
	{ 3, WHOLE "listener \"b\" { listen = \":1\" upstream = \"x:0\" }",
	    "upstream \"x:0\": HOST" },
	{ 3, WHOLE LISTENER "}", "found duplicate title 'mx'" },
	{ 3, WHOLE "listener \"b\" { listen = \"127.0.0.1:2525\" upstream = x }",
	    "listener \"mx\" has this address already" },
	{ 3, WHOLE "listener \"\" { listen = \":1\" upstream = x }",
	    "a name of 1 to 63" },
	{ 3, WHOLE "listener { listen = \":1\" upstream = x }",
	    "missing title" },
	{ 3, WHOLE "policy \"p\" {", "the { of this line has no }" },
	{ 3, WHOLE "policy \"p\" { banner = \"x }", "a string has no end" },
	{ 3, WHOLE "/* x", "the comment that begins here has no end" },
	{ 3, WHOLE "}", "a } without its {" },
	{ 3, WHOLE "threads = *", "\"...\" is accepted" },
	{ 3, WHOLE "threads = \"\\8\"", "a backslash and a digit" },
	{ 3, WHOLE "threads = \x01", "a control character" },
	{ 3, WHOLE "threads = utf-8'' \n", "an option without a name" },
	{ 3, WHOLE "threads 4", "missing equal sign" },
	{ 3, WHOLE "include(\"nix.conf\")", "nix.conf: No such file" },
	{ 3, WHOLE "include()", "one file is accepted" },
	{ 2, RECORD LISTENER "policy = nix }", "policy nix: the name of a "
	    "policy section or of a built-in profile" },
};

START_TEST(what_is_wrong_is_named)
{
	char expected[80];
	struct settings *s = read_text(wrong[_i].text);

	if (wrong[_i].says == NULL) {
		ck_assert_msg(s != NULL, "%s", report.errors);
		settings_free(s);
		return;
	}
	ck_assert_ptr_null(s);
	ck_assert_msg(strstr(report.errors, wrong[_i].says) != NULL,
	    "no \"%s\" in: %s", wrong[_i].says, report.errors);
	(void)snprintf(expected, sizeof(expected), wrong[_i].line ? "%s:%d: " :
	    "%s: ", path, wrong[_i].line);
	ck_assert_msg(strncmp(report.errors, expected, strlen(expected)) == 0,
	    "%s: %s", expected, report.errors);
}
END_TEST

static const char many[] = "threads = 2\nrecord {\nfile = none\n}\n"
    "listener \"mx\" {\nlisten = {\"127.0.0.1:0\", \":0\"}\nupstream = x\n"
    "policy = p\n}\npolicy \"p\" {\nprofile = asa # why\nblock = {\"A\",\n"
    "\"B\"}\nmatch \"rcpt count\" {\ngt = 1\naction = 'drop'\n}\nwhen {\n"
    "helo = {\"x\"}\npolicy = none\n}\n}\n";

/* As an editor or a full disk may leave it. */
START_TEST(a_part_of_a_file_is_refused_or_right)
{
	for (size_t n = 0; n < sizeof(many); n++) {
		char text[sizeof(many)];
		struct settings *s;

		(void)snprintf(text, sizeof(text), "%.*s", (int)n, many);
		s = read_text(text);
		ck_assert_int_eq(s == NULL, report.errors[0] != '\0');
		ck_assert(s != NULL || n + 2 < sizeof(many));
		settings_free(s);
	}
}
END_TEST

START_TEST(a_file_without_a_line_is_refused_or_right)
{
	for (const char *p = many, *end; *p; p = end + 1) {
		char text[sizeof(many)];
		struct settings *s;

		end = strchr(p, '\n');
		(void)snprintf(text, sizeof(text), "%.*s%s", (int)(p - many),
		    many, end + 1);
		s = read_text(text);
		ck_assert_int_eq(s == NULL, report.errors[0] != '\0');
		settings_free(s);
	}
}
END_TEST

START_TEST(all_wrong_values_are_told_at_once)
{
	ck_assert_ptr_null(read_text("threads = 0\n" RECORD
	    "listener \"mx\" { listen = x upstream = \":\" }\n"
	    "policy \"p\" { banner = x\nblock = {\"A B\"}\n"
	    "match \"message\" { action = nix } }\n"));
	ck_assert_ptr_nonnull(strstr(report.errors, ":1: threads"));
	ck_assert_ptr_nonnull(strstr(report.errors, ":3: listen "));
	ck_assert_ptr_nonnull(strstr(report.errors, ":3: upstream"));
	ck_assert_ptr_nonnull(strstr(report.errors, ":4: banner"));
	ck_assert_ptr_nonnull(strstr(report.errors, ":5: block"));
	ck_assert_ptr_nonnull(strstr(report.errors, ":6: action"));
}
END_TEST

/* A file of errors only must not overrun the report. */
START_TEST(the_report_is_bounded)
{
	size_t n = 4000;
	char *text = malloc(n * 32 + 64), *p = text;

	ck_assert_ptr_nonnull(text);
	p += sprintf(p, "policy \"p\" { block = {\n");
	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "\"%zu\x7f A\",\n", i);
	(void)sprintf(p, "\"x\"} }\n");
	for (char *q = text; *q; q++)
		if (*q == 0x7f)
			*q = '!';
	ck_assert_ptr_null(read_text(text));
	ck_assert_uint_lt(strlen(report.errors), CONFIG_REPORT);
	ck_assert_uint_gt(strlen(report.errors), CONFIG_REPORT / 2);
	free(text);
}
END_TEST

START_TEST(a_listener_may_name_a_profile)
{
	struct settings *s = read_good(RECORD LISTENER "policy = strict }\n");

	ck_assert_str_eq(s->listeners[0].policy->name, "strict");
	ck_assert_uint_eq(policies_count(s->policies), 1);
	settings_free(s);
	s = read_good(RECORD LISTENER "policy = none }\n");
	ck_assert_ptr_null(s->listeners[0].policy);
	settings_free(s);
}
END_TEST

START_TEST(a_section_hides_the_profile_of_its_name)
{
	struct settings *s = read_good(RECORD LISTENER "policy = strict }\n"
	    "policy \"strict\" { block = {\"VRFY\"} }\n");

	ck_assert_uint_eq(s->listeners[0].policy->newline,
	    POLICY_NEWLINE_PASS);
	settings_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config");
	TCase *tests = tcase_create("config");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, make_dir, remove_dir);
	tcase_add_test(tests, the_least_has_the_defaults);
	tcase_add_test(tests, every_option_is_heeded);
	tcase_add_test(tests, comments_stand_anywhere);
	tcase_add_test(tests, an_include_is_found_beside_the_file);
	tcase_add_test(tests, an_error_in_an_include_names_that_file);
	tcase_add_test(tests, a_circle_of_includes_is_refused);
	tcase_add_test(tests, a_file_that_is_not_there_is_named);
	tcase_add_test(tests, a_good_file_is_read_after_any_bad_one);
	tcase_add_loop_test(tests, what_is_wrong_is_named, 0,
	    (int)(sizeof(wrong) / sizeof(*wrong)));
	tcase_add_test(tests, a_part_of_a_file_is_refused_or_right);
	tcase_add_test(tests, a_file_without_a_line_is_refused_or_right);
	tcase_add_test(tests, all_wrong_values_are_told_at_once);
	tcase_add_test(tests, the_report_is_bounded);
	tcase_add_test(tests, a_listener_may_name_a_profile);
	tcase_add_test(tests, a_section_hides_the_profile_of_its_name);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
