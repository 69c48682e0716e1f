/* Addresses of the companion's sockets. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/net.h"

static bool
loopback(const char *target)
{
	char error[NET_ERROR_MAX];
	struct addrinfo *list = net_resolve(target, false, error);
	bool is;

	ck_assert_msg(list != NULL, "%s", error);
	is = net_loopback(list);
	freeaddrinfo(list);
	return is;
}

START_TEST(only_this_machine_is_loopback)
{
	ck_assert(loopback("127.0.0.1:25"));
	ck_assert(loopback("127.1.2.3:25"));
	ck_assert(loopback("[::1]:25"));
	ck_assert(!loopback("192.0.2.1:25"));
	ck_assert(!loopback("0.0.0.0:25"));
	ck_assert(!loopback("[2001:db8::1]:25"));
	ck_assert(!loopback("[::ffff:192.0.2.1]:25"));
}
END_TEST

START_TEST(what_is_no_address_is_said)
{
	static const char *const bad[] = {
		"", ":25", "localhost", "localhost:", "localhost:smtp",
		"localhost:65536", "::1:25", "[::1]", "127.0.0.1:25x",
	};
	char error[NET_ERROR_MAX];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		error[0] = '\0';
		ck_assert_msg(net_resolve(bad[i], false, error) == NULL, "%s",
		    bad[i]);
		ck_assert_msg(strstr(error, bad[i]) != NULL, "%s", error);
	}
}
END_TEST

START_TEST(a_listener_can_be_connected_to)
{
	char name[NET_NAME_MAX], peer[NET_NAME_MAX], error[NET_ERROR_MAX];
	int listener = net_listen("127.0.0.1:0", name, error), fd, client;
	struct addrinfo *list;

	ck_assert_msg(listener >= 0, "%s", error);
	list = net_resolve(name, false, error);
	client = net_connect(name, list, net_now() + NET_SECOND, error);
	ck_assert_msg(client >= 0, "%s", error);
	fd = net_accept(listener, peer);
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_nonnull(strstr(peer, "127.0.0.1:"));
	close(fd);
	close(client);
	close(listener);
	ck_assert_int_lt(net_connect(name, list, net_now() + NET_SECOND,
	    error), 0);
	ck_assert_ptr_nonnull(strstr(error, name));
	freeaddrinfo(list);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net");
	TCase *tests = tcase_create("net");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, only_this_machine_is_loopback);
	tcase_add_test(tests, what_is_no_address_is_said);
	tcase_add_test(tests, a_listener_can_be_connected_to);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
