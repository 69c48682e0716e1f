#include "record/certificate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define COMMON_NAME_MAX 64	/* RFC 5280 A.1: ub-common-name */

EVP_PKEY *
certificate_key(void)
{
	return EVP_EC_gen("P-256");
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool
is_address(const char *name)
{
	ASN1_OCTET_STRING *address;

	if (strspn(name, "0123456789abcdefABCDEF:.") != strlen(name))
		return false;
	address = a2i_IPADDRESS(name);
	ERR_clear_error();
	ASN1_OCTET_STRING_free(address);
	return address != NULL;
}

bool
certificate_names(const char *name)
{
	size_t label = 0, n = strlen(name);

	if (is_address(name))
		return true;
	if (n == 0 || n >= CERTIFICATE_NAME)
		return false;
	for (const char *p = strncmp(name, "*.", 2) ? name : name + 2; *p;
	    p++) {
		label = *p == '.' ? 0 : label + 1;
		if (*p == '.' ? p == name || p[-1] == '.' :
		    !is_letter(*p) || label > 63)
			return false;
	}
	return label > 0;
}

/* 127 random bits: unique without a register, and positive (RFC 5280 4.1.2.2:
 * at most 20 octets). */
static bool
set_serial(X509 *x)
{
	unsigned char octets[16];
	BIGNUM *number = NULL;
	bool done;

	if (RAND_bytes(octets, sizeof(octets)) != 1)
		return false;
	octets[0] &= 0x7f;
	octets[0] |= 0x40;
	number = BN_bin2bn(octets, sizeof(octets), NULL);
	done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
	BN_free(number);
	return done;
}

static bool
set_subject(X509 *x, const char *name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	added = extension && X509_add_ext(x, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

/* All but names and extensions. */
static bool
begin(X509 *x, EVP_PKEY *key, struct certificate_term term)
{
	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    ASN1_TIME_set(X509_getm_notBefore(x), term.from) &&
	    ASN1_TIME_set(X509_getm_notAfter(x), term.until) &&
	    X509_set_pubkey(x, key) == 1;
}

static X509 *
sign(X509 *x, bool whole, EVP_PKEY *key)
{
	if (whole && X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

X509 *
certificate_ca(const char *name, EVP_PKEY *key, struct certificate_term term)
{
	X509 *x = X509_new();
	bool whole;

	whole = x && begin(x, key, term) && set_subject(x, name) &&
	    X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
	    add_extension(x, x, NID_basic_constraints,
		"critical,CA:TRUE,pathlen:0") &&
	    add_extension(x, x, NID_key_usage,
		"critical,keyCertSign,cRLSign") &&
	    add_extension(x, x, NID_subject_key_identifier, "hash");
	return sign(x, whole, key);
}

/* A name that is too long for a common name stands in the SAN only, which then
 * has to be critical (RFC 5280 4.2.1.6). */
static bool
add_names(X509 *x, X509 *ca, const char *name)
{
	bool fits = strlen(name) <= COMMON_NAME_MAX;
	char value[CERTIFICATE_NAME + 16];

	(void)snprintf(value, sizeof(value), "%s%s:%s",
	    fits ? "" : "critical,", is_address(name) ? "IP" : "DNS", name);
	return (!fits || set_subject(x, name)) &&
	    add_extension(x, ca, NID_subject_alt_name, value);
}

static struct certificate_term
within(struct certificate_term term, const X509 *ca)
{
	struct tm tm;
	time_t until;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(ca), &tm) == 1) {
		until = timegm(&tm);
		if (term.until > until)
			term.until = until;
	}
	return term;
}

X509 *
certificate_leaf(const char *name, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key,
    struct certificate_term term)
{
	X509 *x;
	bool whole;

	if (!certificate_names(name))
		return NULL;
	x = X509_new();
	whole = x && begin(x, key, within(term, ca)) &&
	    X509_set_issuer_name(x, X509_get_subject_name(ca)) == 1 &&
	    add_names(x, ca, name) &&
	    add_extension(x, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(x, ca, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(x, ca, NID_ext_key_usage, "serverAuth,clientAuth") &&
	    add_extension(x, ca, NID_subject_key_identifier, "hash") &&
	    add_extension(x, ca, NID_authority_key_identifier, "keyid");
	return sign(x, whole, ca_key);
}

bool
certificate_fingerprint(const X509 *x, unsigned char out[32])
{
	unsigned n;

	return X509_digest(x, EVP_sha256(), out, &n) == 1;
}

/* What a BIO holds, as a string; the BIO is freed. */
static size_t
take_text(BIO *bio, bool written, char *out, size_t size)
{
	char *text = NULL;
	long n = written ? BIO_get_mem_data(bio, &text) : 0;
	size_t length = n > 0 && (size_t)n < size ? (size_t)n : 0;

	if (length)
		memcpy(out, text, length);
	if (size)
		out[length] = '\0';
	BIO_free(bio);
	return length;
}

size_t
certificate_pem(X509 *x, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_text(bio, bio && PEM_write_bio_X509(bio, x), out, size);
}

/* The memory of the BIO is wiped when it is freed. */
size_t
certificate_key_pem(EVP_PKEY *key, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_secmem());

	return take_text(bio, bio && PEM_write_bio_PKCS8PrivateKey(bio, key,
	    NULL, NULL, 0, NULL, NULL), out, size);
}

static BIO *
open_file(const char *path, char error[CERTIFICATE_ERROR])
{
	BIO *bio;

	ERR_clear_error();
	errno = 0;
	bio = BIO_new_file(path, "r");
	if (bio == NULL)
		(void)snprintf(error, CERTIFICATE_ERROR,
		    "%s cannot be read: %s", path,
		    errno ? strerror(errno) : "out of memory");
	return bio;
}

/* Why OpenSSL has found nothing in a file. Of keys it says no more than that
 * they are "unsupported". */
static void
complain(const char *path, const char *what, char error[CERTIFICATE_ERROR])
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(e);

	if (ERR_GET_LIB(e) == ERR_LIB_OSSL_DECODER || reason == NULL ||
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
		(void)snprintf(error, CERTIFICATE_ERROR,
		    "%s holds no %s in PEM", path, what);
	else
		(void)snprintf(error, CERTIFICATE_ERROR,
		    "%s holds a damaged %s: %s", path, what, reason);
	ERR_clear_error();
}

/* A file that goes on behind its certificates with something else, a key, has
 * ended for us; one that breaks off is not taken in part. */
static bool
ended_well(void)
{
	unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

unsigned
certificate_read(const char *path, X509 *chain[CERTIFICATE_CHAIN],
    char error[CERTIFICATE_ERROR])
{
	BIO *bio = open_file(path, error);
	unsigned n = 0;

	if (bio == NULL)
		return 0;
	while (n < CERTIFICATE_CHAIN &&
	    (chain[n] = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		n++;
	if (n < CERTIFICATE_CHAIN && (n == 0 || !ended_well())) {
		complain(path, "certificate", error);
		while (n > 0)
			X509_free(chain[--n]);
	}
	ERR_clear_error();
	BIO_free(bio);
	return n;
}

/* Nobody is there to be asked for it. */
static int
no_passphrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer, (void)size, (void)writing;
	*(bool *)arg = true;
	return -1;
}

EVP_PKEY *
certificate_read_key(const char *path, char error[CERTIFICATE_ERROR])
{
	BIO *bio = open_file(path, error);
	bool locked = false;
	EVP_PKEY *key;

	if (bio == NULL)
		return NULL;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &locked);
	if (key == NULL && locked)
		(void)snprintf(error, CERTIFICATE_ERROR,
		    "%s holds a private key under a passphrase", path);
	else if (key == NULL)
		complain(path, "private key", error);
	ERR_clear_error();
	BIO_free(bio);
	return key;
}
