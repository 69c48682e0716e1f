#include "tests/unit/pki.h"

#include <check.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/certificate.h"

#define PATHS 4

const char *
pki_path(struct pki *p, const char *file)
{
	static char paths[PATHS][128];
	static unsigned next;
	char *path = paths[next++ % PATHS];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", p->folder, file);
	return path;
}

void
pki_write(struct pki *p, const char *file, const char *text)
{
	FILE *f = fopen(pki_path(p, file), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void
write_certificate(struct pki *p, const char *file, X509 *x)
{
	char pem[8192];

	ck_assert_uint_gt(certificate_pem(x, pem, sizeof(pem)), 0);
	pki_write(p, file, pem);
}

static void
write_key(struct pki *p, const char *file, EVP_PKEY *key)
{
	char pem[2048];

	ck_assert_uint_gt(certificate_key_pem(key, pem, sizeof(pem)), 0);
	pki_write(p, file, pem);
}

static struct certificate_term
term(int from, int until)
{
	time_t now = time(NULL);

	return (struct certificate_term){ now + from * PKI_DAY,
	    now + until * PKI_DAY };
}

void
pki_open(struct pki *p)
{
	(void)snprintf(p->folder, sizeof(p->folder), "/tmp/smtptap-pki-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	p->ca_key = certificate_key();
	p->key = certificate_key();
	p->ca = certificate_ca("Test CA", p->ca_key, term(-400, 400));
	ck_assert_ptr_nonnull(p->ca);
	write_certificate(p, "ca.pem", p->ca);
	write_key(p, "ca.key", p->ca_key);
	write_key(p, "key.pem", p->key);
}

void
pki_close(struct pki *p)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", p->folder);
	ck_assert_int_eq(system(command), 0);
	X509_free(p->ca);
	EVP_PKEY_free(p->ca_key);
	EVP_PKEY_free(p->key);
}

X509 *
pki_leaf(struct pki *p, const char *file, const char *name, int from,
    int until)
{
	X509 *x = certificate_leaf(name, p->key, p->ca, p->ca_key,
	    term(from, until));

	ck_assert_ptr_nonnull(x);
	write_certificate(p, file, x);
	return x;
}

void
pki_self_signed(struct pki *p, const char *file, const char *name)
{
	X509 *x = certificate_leaf(name, p->key, p->ca, p->ca_key, term(-1, 1));
	int at;

	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(X509_set_issuer_name(x, X509_get_subject_name(x)), 1);
	at = X509_get_ext_by_NID(x, NID_authority_key_identifier, -1);
	X509_EXTENSION_free(X509_delete_ext(x, at));
	ck_assert_int_gt(X509_sign(x, p->key, EVP_sha256()), 0);
	write_certificate(p, file, x);
	X509_free(x);
}

static void
add_revoked(X509_CRL *crl, X509 *x)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, 0);

	ck_assert_int_eq(X509_REVOKED_set_serialNumber(entry,
	    X509_get_serialNumber(x)), 1);
	ck_assert_int_eq(X509_REVOKED_set_revocationDate(entry, now), 1);
	ck_assert_int_eq(X509_CRL_add0_revoked(crl, entry), 1);
	ASN1_TIME_free(now);
}

void
pki_crl(struct pki *p, const char *file, X509 *revoked)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *last = X509_gmtime_adj(NULL, -PKI_DAY);
	ASN1_TIME *next = X509_gmtime_adj(NULL, PKI_DAY);
	FILE *f = fopen(pki_path(p, file), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(X509_CRL_set_version(crl, 1), 1);
	ck_assert_int_eq(X509_CRL_set_issuer_name(crl,
	    X509_get_subject_name(p->ca)), 1);
	ck_assert_int_eq(X509_CRL_set1_lastUpdate(crl, last), 1);
	ck_assert_int_eq(X509_CRL_set1_nextUpdate(crl, next), 1);
	if (revoked)
		add_revoked(crl, revoked);
	ck_assert_int_gt(X509_CRL_sign(crl, p->ca_key, EVP_sha256()), 0);
	ck_assert_int_eq(PEM_write_X509_CRL(f, crl), 1);
	ck_assert_int_eq(fclose(f), 0);
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}
