/* Settings share with those before what goes on; the last user ends them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/settings.h"

static struct ev_loop *loop;
static unsigned resolved;

static void
begin(void)
{
	loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	ck_assert_ptr_nonnull(loop);
	resolved = 0;
}

static void
end(void)
{
	ev_loop_destroy(loop);
}

static void
on_resolved(void *arg)
{
	(void)arg;
	resolved++;
}

/* Listeners "a", "b", ... with these upstreams. */
static struct settings *
made(unsigned n, const char *const upstreams[])
{
	struct settings *s = settings_new(n);

	ck_assert_ptr_nonnull(s);
	for (unsigned i = 0; i < n; i++) {
		struct settings_listener *l = &s->listeners[i];

		l->name[0] = (char)('a' + i);
		ck_assert(endpoint_parse(upstreams[i], &l->upstream));
	}
	return s;
}

static void
resolve(struct settings *s, const struct settings *before)
{
	unsigned already = resolved;

	settings_resolve(s, loop, before, on_resolved, NULL);
	while (resolved == already)
		(void)ev_run(loop, EVRUN_ONCE);
	ck_assert_uint_eq(resolved, already + 1);
	ck_assert_uint_eq(s->awaited, 0);
}

START_TEST(the_command_line_is_one_listener_without_a_name)
{
	struct options o = { .record = "none", .threads = 3, .max_sessions = 7,
	    .idle_timeout = 1, .data_timeout = 2, .connect_timeout = 3,
	    .drain_timeout = 4, .on_failure = ON_FAILURE_STALL };
	struct settings *s;

	ck_assert(endpoint_parse("[::1]:2525", &o.listen.list[0]));
	ck_assert(endpoint_parse("127.0.0.1:0", &o.listen.list[1]));
	o.listen.n = 2;
	ck_assert(endpoint_parse("mx.test:24", &o.upstream));
	s = settings_from_options(&o, NULL);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(s->n_listeners, 1);
	ck_assert_str_eq(s->listeners[0].name, "");
	ck_assert_uint_eq(s->listeners[0].n_listen, 2);
	ck_assert_str_eq(s->listeners[0].listen[0].host, "::1");
	ck_assert_str_eq(s->listeners[0].upstream.host, "mx.test");
	ck_assert_ptr_null(s->listeners[0].policy);
	ck_assert_double_eq(s->listeners[0].idle_timeout, 1);
	ck_assert_double_eq(s->listeners[0].data_timeout, 2);
	ck_assert_double_eq(s->listeners[0].connect_timeout, 3);
	ck_assert_double_eq(s->drain_timeout, 4);
	ck_assert_str_eq(s->record, "none");
	ck_assert_uint_eq(s->threads, 3);
	ck_assert_uint_eq(s->max_sessions, 7);
	ck_assert_int_eq(s->on_failure, ON_FAILURE_STALL);
	ck_assert(settings_drop(s));
	settings_free(s);
}
END_TEST

START_TEST(one_origin_for_all_with_the_same_upstream)
{
	struct settings *s = made(3, (const char *const[]){ "127.0.0.1:25",
	    "127.0.0.1:26", "127.0.0.1:25" });
	struct address a;

	resolve(s, NULL);
	ck_assert_str_eq(s->error, "");
	ck_assert_ptr_eq(s->listeners[0].origin, s->listeners[2].origin);
	ck_assert_ptr_ne(s->listeners[0].origin, s->listeners[1].origin);
	ck_assert(origin_address(s->listeners[1].origin, 0, &a));
	ck_assert_uint_eq(address_port(&a), 26);
	settings_free(s);
}
END_TEST

START_TEST(an_origin_outlives_the_settings_it_was_opened_for)
{
	struct settings *before = made(1, (const char *const[]){
	    "127.0.0.1:25" });
	struct settings *s = made(2, (const char *const[]){ "127.0.0.1:26",
	    "127.0.0.1:25" });
	struct origin *shared;
	struct address a;

	resolve(before, NULL);
	shared = before->listeners[0].origin;
	resolve(s, before);
	ck_assert_ptr_eq(s->listeners[1].origin, shared);
	settings_free(before);
	ck_assert(origin_address(shared, 0, &a));
	ck_assert_uint_eq(address_port(&a), 25);
	settings_free(s);
}
END_TEST

START_TEST(seats_go_with_the_name_of_the_listener)
{
	struct settings *before = made(2, (const char *const[]){
	    "127.0.0.1:25", "127.0.0.1:25" });
	struct settings *s = made(3, (const char *const[]){ "127.0.0.1:26",
	    "127.0.0.1:26", "127.0.0.1:26" });

	resolve(before, NULL);
	atomic_store(&before->listeners[1].seats->taken, 9);
	resolve(s, before);
	settings_free(before);
	ck_assert_uint_eq(atomic_load(&s->listeners[0].seats->taken), 0);
	ck_assert_uint_eq(atomic_load(&s->listeners[1].seats->taken), 9);
	ck_assert_uint_eq(atomic_load(&s->listeners[2].seats->taken), 0);
	settings_free(s);
}
END_TEST

START_TEST(only_the_last_user_is_told_to_free)
{
	struct settings *s = made(1, (const char *const[]){ "127.0.0.1" });

	ck_assert_ptr_eq(settings_keep(s), s);
	ck_assert(!settings_drop(s));
	ck_assert(settings_drop(s));
	settings_free(s);
}
END_TEST

/* `.invalid` never is (RFC 6761). */
START_TEST(the_upstream_that_is_not_found_is_named)
{
	struct settings *s = made(2, (const char *const[]){ "127.0.0.1:25",
	    "no-such-host.invalid:25" });

	resolve(s, NULL);
	ck_assert_ptr_nonnull(strstr(s->error, "\"b\""));
	ck_assert_ptr_nonnull(strstr(s->error, "no-such-host.invalid"));
	settings_free(s);
}
END_TEST

START_TEST(settings_may_be_freed_while_they_are_resolved)
{
	struct settings *s = made(2, (const char *const[]){ "127.0.0.1:25",
	    "no-such-host.invalid:25" });

	settings_resolve(s, loop, NULL, on_resolved, NULL);
	settings_free(s);
	(void)ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(resolved, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("settings");
	TCase *c = tcase_create("settings");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_command_line_is_one_listener_without_a_name);
	tcase_add_test(c, one_origin_for_all_with_the_same_upstream);
	tcase_add_test(c, an_origin_outlives_the_settings_it_was_opened_for);
	tcase_add_test(c, seats_go_with_the_name_of_the_listener);
	tcase_add_test(c, only_the_last_user_is_told_to_free);
	tcase_add_test(c, the_upstream_that_is_not_found_is_named);
	tcase_add_test(c, settings_may_be_freed_while_they_are_resolved);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
