/* Minted certificates are kept for the next client, within a bound. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/mint.h"
#include "record/certificate.h"

#define DAY	86400
#define NOW	1790000000

static struct mint *mint;

static void
set_up(void)
{
	EVP_PKEY *key = certificate_key();
	X509 *ca = certificate_ca("Test CA", key,
	    (struct certificate_term){ NOW - DAY, NOW + 1000 * DAY });

	mint = mint_new(ca, key);
	ck_assert_ptr_nonnull(mint);
	X509_free(ca);
	EVP_PKEY_free(key);
}

static void
tear_down(void)
{
	mint_free(mint);
}

/* Of the one that is given now; only to be compared. */
static const void *
leaf(const char *name, time_t now)
{
	X509 *x = mint_leaf(mint, name, now);

	ck_assert_ptr_nonnull(x);
	X509_free(x);
	return x;
}

START_TEST(a_name_has_one_certificate)
{
	ck_assert_ptr_eq(leaf("mx.example", NOW), leaf("mx.example", NOW));
	ck_assert_ptr_ne(leaf("mx.example", NOW), leaf("my.example", NOW));
}
END_TEST

START_TEST(case_makes_no_other_name)
{
	ck_assert_ptr_eq(leaf("mx.example", NOW), leaf("MX.Example", NOW));
}
END_TEST

START_TEST(all_have_the_key_of_the_mint)
{
	X509 *x = mint_leaf(mint, "mx.example", NOW);

	ck_assert_int_eq(X509_check_private_key(x, mint_key(mint)), 1);
	X509_free(x);
}
END_TEST

START_TEST(one_is_made_anew_long_before_it_expires)
{
	X509 *old = mint_leaf(mint, "mx.example", NOW);
	time_t later = NOW + MINT_DAYS * DAY / 2;
	X509 *new = mint_leaf(mint, "mx.example", later);

	ck_assert_ptr_ne(old, new);
	ck_assert_int_eq(X509_cmp_time(X509_get0_notAfter(old), &later), 1);
	ck_assert_int_eq(ASN1_TIME_compare(X509_get0_notAfter(old),
	    X509_get0_notAfter(new)), -1);
	X509_free(old);
	X509_free(new);
}
END_TEST

START_TEST(what_is_no_name_has_no_certificate)
{
	ck_assert_ptr_null(mint_leaf(mint, "", NOW));
	ck_assert_ptr_null(mint_leaf(mint, "a b", NOW));
}
END_TEST

START_TEST(the_one_used_longest_ago_makes_room)
{
	X509 *first = mint_leaf(mint, "first.example", NOW);
	X509 *second = mint_leaf(mint, "second.example", NOW);
	char name[32];

	for (int i = 0; i < MINT_KEPT - 2; i++) {
		(void)snprintf(name, sizeof(name), "n%d.example", i);
		(void)leaf(name, NOW);
	}
	ck_assert_ptr_eq(leaf("first.example", NOW), first);
	(void)leaf("one-more.example", NOW);
	ck_assert_ptr_eq(leaf("first.example", NOW), first);
	ck_assert_ptr_ne(leaf("second.example", NOW), second);
	X509_free(first);
	X509_free(second);
}
END_TEST

static void *
ask_for_many(void *arg)
{
	char name[32];

	(void)arg;
	for (int i = 0; i < 400; i++) {
		(void)snprintf(name, sizeof(name), "n%d.example", i % 20);
		(void)leaf(name, NOW);
	}
	return NULL;
}

START_TEST(threads_share_it)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
		    ask_for_many, NULL), 0);
	for (int i = 0; i < 4; i++)
		(void)pthread_join(threads[i], NULL);
	ck_assert_ptr_eq(leaf("n7.example", NOW), leaf("n7.example", NOW));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mint");
	TCase *t = tcase_create("mint");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_name_has_one_certificate);
	tcase_add_test(t, case_makes_no_other_name);
	tcase_add_test(t, all_have_the_key_of_the_mint);
	tcase_add_test(t, one_is_made_anew_long_before_it_expires);
	tcase_add_test(t, what_is_no_name_has_no_certificate);
	tcase_add_test(t, the_one_used_longest_ago_makes_room);
	tcase_add_test(t, threads_share_it);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
