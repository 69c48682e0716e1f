/* Sessions with mail servers are kept by name, the newest, and within a bound. */
#include <check.h>
#include <stdlib.h>

#include "proxy/tls_sessions.h"

static struct tls_sessions *ring;

static void
set_up(void)
{
	ring = tls_sessions_new();
	ck_assert_ptr_nonnull(ring);
}

static void
tear_down(void)
{
	tls_sessions_free(ring);
}

/* A session of that version; only to be compared. */
static const void *
put(const char *host, int version)
{
	SSL_SESSION *session = SSL_SESSION_new();

	ck_assert_int_eq(SSL_SESSION_set_protocol_version(session, version), 1);
	ck_assert(tls_sessions_put(ring, host, session));
	return session;
}

static const void *
take(const char *host)
{
	SSL_SESSION *session = tls_sessions_take(ring, host);

	SSL_SESSION_free(session);
	return session;
}

START_TEST(a_ticket_is_for_one_connection)
{
	const void *session = put("a.example", TLS1_3_VERSION);

	ck_assert_ptr_eq(take("a.example"), session);
	ck_assert_ptr_null(take("a.example"));
}
END_TEST

START_TEST(an_older_session_is_for_many)
{
	const void *session = put("a.example", TLS1_2_VERSION);

	ck_assert_ptr_eq(take("a.example"), session);
	ck_assert_ptr_eq(take("a.example"), session);
}
END_TEST

START_TEST(the_newest_is_taken_first)
{
	const void *old = put("a.example", TLS1_3_VERSION);
	const void *new = put("a.example", TLS1_3_VERSION);

	ck_assert_ptr_eq(take("a.example"), new);
	ck_assert_ptr_eq(take("a.example"), old);
}
END_TEST

START_TEST(a_session_is_of_its_host)
{
	(void)put("a.example", TLS1_3_VERSION);
	ck_assert_ptr_null(take("b.example"));
}
END_TEST

START_TEST(the_oldest_makes_room)
{
	const void *second;

	(void)put("first.example", TLS1_2_VERSION);
	second = put("second.example", TLS1_2_VERSION);
	for (int i = 0; i < TLS_SESSIONS_MAX - 1; i++)
		(void)put("a.example", TLS1_3_VERSION);
	ck_assert_ptr_null(take("first.example"));
	ck_assert_ptr_eq(take("second.example"), second);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls_sessions");
	TCase *t = tcase_create("tls_sessions");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_ticket_is_for_one_connection);
	tcase_add_test(t, an_older_session_is_for_many);
	tcase_add_test(t, the_newest_is_taken_first);
	tcase_add_test(t, a_session_is_of_its_host);
	tcase_add_test(t, the_oldest_makes_room);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
