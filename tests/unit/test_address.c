/* What an operator writes as an address is read as meant, or not at all. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/address.h"

static const struct {
	const char *text, *host;
	int port;
} good[] = {
	{ "127.0.0.1:25", "127.0.0.1", 25 },
	{ "[::1]:2525", "::1", 2525 },
	{ "[::1]", "::1", -1 },
	{ "::1", "::1", -1 },
	{ "2001:db8::1:25", "2001:db8::1:25", -1 },
	{ "mx.example.com", "mx.example.com", -1 },
	{ "mx.example.com:587", "mx.example.com", 587 },
	{ ":25", "", 25 },
	{ "*:0", "*", 0 },
	{ "[fe80::1%lo]:25", "fe80::1%lo", 25 },
	{ "h:65535", "h", 65535 },
};

START_TEST(an_endpoint_is_read_as_written)
{
	struct endpoint e;

	ck_assert_msg(endpoint_parse(good[_i].text, &e), "%s", good[_i].text);
	ck_assert_str_eq(e.host, good[_i].host);
	ck_assert_int_eq(e.port, good[_i].port);
}
END_TEST

static const char *const bad[] = {
	"", "h:", "h:65536", "h:-1", "h:+1", "h: 1", "h:1x", "h:000025",
	"[::1", "[::1]25", "[::1]x", "[]:25", "[127.0.0.1]:25", "[mx]:25",
};

START_TEST(anything_else_is_refused)
{
	struct endpoint e;

	ck_assert_msg(!endpoint_parse(bad[_i], &e), "%s", bad[_i]);
}
END_TEST

START_TEST(a_host_longer_than_a_name_can_be_is_refused)
{
	char text[ADDRESS_HOST + 8];
	struct endpoint e;

	memset(text, 'a', sizeof(text));
	text[ADDRESS_HOST] = '\0';
	ck_assert(!endpoint_parse(text, &e));
	text[ADDRESS_HOST - 1] = '\0';
	ck_assert(endpoint_parse(text, &e));
	ck_assert_uint_eq(strlen(e.host), ADDRESS_HOST - 1);
}
END_TEST

static struct address
address_of(const char *text)
{
	struct endpoint e;
	struct address a;

	ck_assert(endpoint_parse(text, &e));
	ck_assert_msg(address_literal(&e, &a), "%s", text);
	return a;
}

START_TEST(a_literal_is_printed_as_it_is_read)
{
	static const char *const texts[] = {
		"127.0.0.1:25", "[2001:db8::1]:65535", "0.0.0.0:0", "[::]:1",
	};
	char out[ADDRESS_TEXT];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct address a = address_of(texts[i]);

		address_text(&a, out);
		ck_assert_str_eq(out, texts[i]);
	}
}
END_TEST

START_TEST(the_longest_address_has_room)
{
	struct address a = address_of(
	    "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535");
	char out[ADDRESS_TEXT];

	address_text(&a, out);
	ck_assert_ptr_nonnull(strstr(out, "]:65535"));
}
END_TEST

START_TEST(a_name_is_no_literal)
{
	static const char *const texts[] = { "localhost", "1", "127.1",
	    "1.2.3.4.5", "0x7f000001", "fe80::1%no-such-interface" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct endpoint e;
		struct address a;

		ck_assert(endpoint_parse(texts[i], &e));
		ck_assert_msg(!address_literal(&e, &a), "%s", texts[i]);
	}
}
END_TEST

START_TEST(no_host_and_a_star_are_any_address)
{
	struct address star = address_of("*:25"), none = address_of(":25"),
	    four = address_of("0.0.0.0:25"), local = address_of("127.0.0.1:25");

	ck_assert(address_is_any(&star));
	ck_assert(address_is_any(&none));
	ck_assert(address_is_any(&four));
	ck_assert(!address_is_any(&local));
	ck_assert_int_eq(star.sa.any.sa_family, AF_INET6);
}
END_TEST

START_TEST(an_ipv4_client_of_an_ipv6_socket_is_an_ipv4_client)
{
	struct address mapped = address_of("[::ffff:192.0.2.7]:99"), a;
	char out[ADDRESS_TEXT];

	ck_assert(address_from(&a, &mapped.sa.any));
	address_text(&a, out);
	ck_assert_str_eq(out, "192.0.2.7:99");
}
END_TEST

START_TEST(hosts_are_compared_without_their_ports)
{
	struct address a = address_of("127.0.0.1:25"),
	    b = address_of("127.0.0.1:26"), c = address_of("127.0.0.2:25"),
	    d = address_of("[::1]:25");

	ck_assert(address_same_host(&a, &b));
	ck_assert(!address_same_host(&a, &c));
	ck_assert(!address_same_host(&a, &d));
	address_set_port(&a, 26);
	ck_assert_uint_eq(address_port(&a), 26);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("address");
	TCase *tests = tcase_create("address");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, an_endpoint_is_read_as_written, 0,
	    (int)(sizeof(good) / sizeof(*good)));
	tcase_add_loop_test(tests, anything_else_is_refused, 0,
	    (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_test(tests, a_host_longer_than_a_name_can_be_is_refused);
	tcase_add_test(tests, a_literal_is_printed_as_it_is_read);
	tcase_add_test(tests, the_longest_address_has_room);
	tcase_add_test(tests, a_name_is_no_literal);
	tcase_add_test(tests, no_host_and_a_star_are_any_address);
	tcase_add_test(tests, an_ipv4_client_of_an_ipv6_socket_is_an_ipv4_client);
	tcase_add_test(tests, hosts_are_compared_without_their_ports);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
