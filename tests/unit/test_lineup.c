/* Another lineup goes on with the sockets that suit, or changes nothing. */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "proxy/lineup.h"

#define THREADS 2

static struct ev_loop *loop;
static char error[OPTIONS_ERROR];

static void
begin(void)
{
	loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	ck_assert_ptr_nonnull(loop);
}

static void
end(void)
{
	ev_loop_destroy(loop);
}

static void
on_resolved(void *arg)
{
	*(bool *)arg = true;
}

/* A listener for each, whose name is its first letter, with "x=ADDR:PORT". */
static struct settings *
made(unsigned n, const char *const listens[])
{
	struct settings *s = settings_new(n);
	bool resolved = false;

	ck_assert_ptr_nonnull(s);
	for (unsigned i = 0; i < n; i++) {
		struct settings_listener *l = &s->listeners[i];

		l->name[0] = listens[i][0];
		ck_assert(endpoint_parse(listens[i] + 2, &l->listen[0]));
		l->n_listen = 1;
		ck_assert(endpoint_parse("192.0.2.1:25", &l->upstream));
	}
	settings_resolve(s, loop, NULL, on_resolved, &resolved);
	while (!resolved)
		(void)ev_run(loop, EVRUN_ONCE);
	return s;
}

static struct lineup *
opened(unsigned n, const char *const listens[], const struct lineup *before)
{
	struct lineup *l;

	ck_assert_int_eq(lineup_open(&l, made(n, listens), THREADS, before,
	    error), 0);
	return l;
}

static void
closed(struct lineup *l, const struct lineup *kept)
{
	struct settings *s = l->settings;

	lineup_close(l, kept);
	settings_free(s);
}

/* "x=127.0.0.1:PORT" of a row that has got a free port. */
static const char *
again(const struct lineup *l, unsigned row, char text[ADDRESS_TEXT + 2])
{
	(void)snprintf(text, ADDRESS_TEXT + 2, "z=%s",
	    l->rows[row].listener->text);
	return text;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(every_thread_has_a_door_of_every_listener)
{
	struct lineup *l = opened(2, (const char *const[]){ "a=127.0.0.1:0",
	    "b=127.0.0.1:0" }, NULL);

	ck_assert_uint_eq(l->n, 2);
	for (unsigned i = 0; i < l->n; i++) {
		ck_assert_uint_eq(l->rows[i].listener->n, THREADS);
		for (unsigned t = 0; t < THREADS; t++)
			ck_assert_int_ge(l->rows[i].listener->doors[t].io.fd,
			    0);
	}
	ck_assert_ptr_eq(lineup_section(l, l->rows[1].listener),
	    &l->settings->listeners[1]);
	closed(l, NULL);
}
END_TEST

START_TEST(an_address_is_kept_under_any_name)
{
	char text[ADDRESS_TEXT + 2];
	struct lineup *before = opened(2, (const char *const[]){
	    "a=127.0.0.1:0", "b=127.0.0.1:0" }, NULL);
	struct lineup *l = opened(1, (const char *const[]){
	    again(before, 1, text) }, before);

	ck_assert_ptr_eq(l->rows[0].listener, before->rows[1].listener);
	ck_assert_ptr_eq(l->rows[0].section, &l->settings->listeners[0]);
	closed(before, l);
	ck_assert(is_open(l->rows[0].listener->doors[0].io.fd));
	closed(l, NULL);
}
END_TEST

START_TEST(a_free_port_is_kept_by_its_name)
{
	struct lineup *before = opened(2, (const char *const[]){
	    "a=127.0.0.1:0", "b=127.0.0.1:0" }, NULL);
	struct lineup *l = opened(3, (const char *const[]){ "b=127.0.0.1:0",
	    "c=127.0.0.1:0", "a=127.0.0.1:0" }, before);

	ck_assert_ptr_eq(l->rows[0].listener, before->rows[1].listener);
	ck_assert_ptr_eq(l->rows[2].listener, before->rows[0].listener);
	ck_assert_ptr_ne(l->rows[1].listener, before->rows[0].listener);
	closed(before, l);
	closed(l, NULL);
}
END_TEST

START_TEST(a_listener_that_is_not_kept_is_closed)
{
	struct lineup *before = opened(2, (const char *const[]){
	    "a=127.0.0.1:0", "b=127.0.0.1:0" }, NULL);
	struct lineup *l = opened(1, (const char *const[]){ "b=127.0.0.1:0" },
	    before);
	int fd = before->rows[0].listener->doors[0].io.fd;

	ck_assert(is_open(fd));
	closed(before, l);
	ck_assert(!is_open(fd));
	closed(l, NULL);
}
END_TEST

/* Its last address is in use; the one before it has been opened for nothing. */
START_TEST(a_lineup_that_cannot_be_opened_leaves_the_one_before)
{
	char text[ADDRESS_TEXT + 2];
	struct lineup *before = opened(1, (const char *const[]){
	    "a=127.0.0.1:0" }, NULL);
	struct lineup *other = opened(1, (const char *const[]){
	    "a=127.0.0.1:0" }, NULL);
	struct settings *s = made(3, (const char *const[]){ "a=127.0.0.1:0",
	    "b=127.0.0.1:0", again(other, 0, text) });
	struct lineup *l;
	int fd = dup(0);	/* the lowest that is free */

	(void)close(fd);
	ck_assert_int_eq(lineup_open(&l, s, THREADS, before, error),
	    EX_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(error, text + 2));
	ck_assert(is_open(before->rows[0].listener->doors[0].io.fd));
	ck_assert_int_eq(dup(0), fd);
	(void)close(fd);
	settings_free(s);
	closed(before, NULL);
	closed(other, NULL);
}
END_TEST

START_TEST(mail_does_not_come_back_to_where_it_came_in)
{
	struct lineup *before = opened(2, (const char *const[]){
	    "a=127.0.0.1:0", "b=127.0.0.1:0" }, NULL);
	struct settings *s = settings_new(2);
	bool resolved = false;
	struct lineup *l;

	for (unsigned i = 0; i < 2; i++) {	/* a leads to b, b to a */
		struct settings_listener *listener = &s->listeners[i];

		listener->name[0] = (char)('a' + i);
		listener->n_listen = 1;
		ck_assert(endpoint_parse("127.0.0.1:0", &listener->listen[0]));
		ck_assert(endpoint_parse(before->rows[1 - i].listener->text,
		    &listener->upstream));
	}
	settings_resolve(s, loop, NULL, on_resolved, &resolved);
	while (!resolved)
		(void)ev_run(loop, EVRUN_ONCE);
	ck_assert_int_eq(lineup_open(&l, s, THREADS, before, error), EX_CONFIG);
	ck_assert_ptr_nonnull(strstr(error, "circle"));
	settings_free(s);
	closed(before, NULL);
}
END_TEST

START_TEST(there_are_places_for_as_many_as_there_are_descriptors_for)
{
	const unsigned spare = 32 + THREADS * (1 + 4);
	struct lineup *l;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 128, 128 }),
	    0);
	l = opened(1, (const char *const[]){ "a=127.0.0.1:0" }, NULL);
	ck_assert_uint_eq(l->settings->max_sessions, (128 - spare) / 2);
	closed(l, NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lineup");
	TCase *c = tcase_create("lineup");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, every_thread_has_a_door_of_every_listener);
	tcase_add_test(c, an_address_is_kept_under_any_name);
	tcase_add_test(c, a_free_port_is_kept_by_its_name);
	tcase_add_test(c, a_listener_that_is_not_kept_is_closed);
	tcase_add_test(c, a_lineup_that_cannot_be_opened_leaves_the_one_before);
	tcase_add_test(c, mail_does_not_come_back_to_where_it_came_in);
	tcase_add_test(c,
	    there_are_places_for_as_many_as_there_are_descriptors_for);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
