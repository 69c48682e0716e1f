/* Certificates are made as TLS wants them, and read back as they were. */
#include <check.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "record/certificate.h"

#define DAY	86400
#define NOW	1790000000

static EVP_PKEY *ca_key, *key;
static X509 *ca;

static void
set_up(void)
{
	ca_key = certificate_key();
	key = certificate_key();
	ca = certificate_ca("Test CA", ca_key,
	    (struct certificate_term){ NOW, NOW + 10 * DAY });
	ck_assert_ptr_nonnull(ca);
}

static void
tear_down(void)
{
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
}

static X509 *
leaf(const char *name)
{
	return certificate_leaf(name, key, ca, ca_key,
	    (struct certificate_term){ NOW, NOW + DAY });
}

/* As OpenSSL sees it with this CA as its root, at a time. */
static int
verdict(X509 *x, const char *host, time_t at)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int error;

	ck_assert_int_eq(X509_STORE_add_cert(store, ca), 1);
	ck_assert_int_eq(X509_STORE_CTX_init(context, store, x, NULL), 1);
	ck_assert_int_eq(X509_STORE_CTX_set_default(context, "ssl_server"), 1);
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(param, at);
	(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1)
		ck_assert_int_eq(X509_VERIFY_PARAM_set1_host(param, host, 0),
		    1);
	(void)X509_verify_cert(context);
	error = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return error;
}

static const char *const names[] = {
	"mx.example", "MX", "a_b.example", "192.0.2.1", "2001:db8::1",
	"xn--bcher-kva.example", "1.example",
	/* too long for a common name */
	"a123456789.b123456789.c123456789.d123456789.e123456789.f123456789."
	"g123456789.example",
};

START_TEST(a_leaf_is_good_for_its_name)
{
	X509 *x = leaf(names[_i]);

	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(verdict(x, names[_i], NOW + 1), X509_V_OK);
	ck_assert_int_ne(verdict(x, "other.example", NOW + 1), X509_V_OK);
	X509_free(x);
}
END_TEST

static const char *const no_names[] = {
	"", ".", "..", ".example", "a..example", "mx.example.", "*", "*.",
	"a.*.example", "*a.example", "mx example", "a,DNS:b", "a/b", "../b",
	"a\nb", "b\xc3\xbc" "cher.example", "256.0.0.1,DNS:x", "[192.0.2.1]",
	"email:a@b", "1:2:3",
	/* a label of 64 */
	"a234567890123456789012345678901234567890123456789012345678901234",
};

START_TEST(what_is_no_name_is_not_signed_for)
{
	ck_assert(!certificate_names(no_names[_i]));
	ck_assert_ptr_null(leaf(no_names[_i]));
}
END_TEST

START_TEST(a_name_has_a_longest_length)
{
	char name[300];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	name[253] = '\0';
	ck_assert(certificate_names(name));
	name[253] = 'a';
	name[254] = '\0';
	ck_assert(!certificate_names(name));
}
END_TEST

START_TEST(a_leaf_does_not_outlive_its_ca)
{
	X509 *x = certificate_leaf("mx.example", key, ca, ca_key,
	    (struct certificate_term){ NOW, NOW + 100 * DAY });

	ck_assert_int_eq(ASN1_TIME_compare(X509_get0_notAfter(x),
	    X509_get0_notAfter(ca)), 0);
	X509_free(x);
}
END_TEST

START_TEST(a_leaf_has_its_time)
{
	X509 *x = leaf("mx.example");

	ck_assert_int_eq(verdict(x, "mx.example", NOW - 1),
	    X509_V_ERR_CERT_NOT_YET_VALID);
	ck_assert_int_eq(verdict(x, "mx.example", NOW + DAY + 1),
	    X509_V_ERR_CERT_HAS_EXPIRED);
	X509_free(x);
}
END_TEST

START_TEST(a_leaf_signs_no_others)
{
	X509 *x = leaf("mx.example");

	ck_assert_int_eq(X509_check_ca(x), 0);
	ck_assert_int_eq(X509_check_ca(ca), 1);
	ck_assert_int_eq((int)X509_get_pathlen(ca), 0);
	X509_free(x);
}
END_TEST

START_TEST(serial_numbers_differ)
{
	X509 *one = leaf("mx.example"), *two = leaf("mx.example");

	ck_assert_int_ne(ASN1_INTEGER_cmp(X509_get0_serialNumber(one),
	    X509_get0_serialNumber(two)), 0);
	X509_free(one);
	X509_free(two);
}
END_TEST

START_TEST(a_common_name_has_a_longest_length)
{
	char name[66];

	memset(name, 'a', sizeof(name));
	name[65] = '\0';
	ck_assert_ptr_null(certificate_ca(name, ca_key,
	    (struct certificate_term){ NOW, NOW + DAY }));
}
END_TEST

START_TEST(text_that_does_not_fit_is_not_cut)
{
	char pem[4096];
	size_t n = certificate_pem(ca, pem, sizeof(pem));

	ck_assert_uint_eq(strlen(pem), n);
	ck_assert_uint_eq(certificate_pem(ca, pem, n), 0);
	ck_assert_str_eq(pem, "");
	ck_assert_uint_eq(certificate_pem(ca, pem, n + 1), n);
}
END_TEST

/* What openssl x509 -fingerprint says of the DER. */
START_TEST(a_fingerprint_is_of_the_der)
{
	unsigned char sha256[32], again[32], *der = NULL;
	int n = i2d_X509(ca, &der);

	ck_assert(certificate_fingerprint(ca, sha256));
	ck_assert_int_eq(EVP_Digest(der, (size_t)n, again, NULL, EVP_sha256(),
	    NULL), 1);
	ck_assert_mem_eq(sha256, again, 32);
	OPENSSL_free(der);
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))

int
main(void)
{
	Suite *s = suite_create("certificate");
	TCase *t = tcase_create("certificate");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, a_leaf_is_good_for_its_name, 0, COUNT(names));
	tcase_add_loop_test(t, what_is_no_name_is_not_signed_for, 0,
	    COUNT(no_names));
	tcase_add_test(t, a_name_has_a_longest_length);
	tcase_add_test(t, a_leaf_does_not_outlive_its_ca);
	tcase_add_test(t, a_leaf_has_its_time);
	tcase_add_test(t, a_leaf_signs_no_others);
	tcase_add_test(t, serial_numbers_differ);
	tcase_add_test(t, a_common_name_has_a_longest_length);
	tcase_add_test(t, text_that_does_not_fit_is_not_cut);
	tcase_add_test(t, a_fingerprint_is_of_the_der);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
