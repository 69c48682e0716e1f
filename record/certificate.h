/* certificate: X.509 certificates made and read: ECDSA P-256, PEM, SHA-256.
 *
 * What is returned is the caller's to free (X509_free, EVP_PKEY_free). Times
 * are s since 1970. Any thread. */
#ifndef RECORD_CERTIFICATE_H
#define RECORD_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#define CERTIFICATE_ERROR 512	/* octets of a sentence, NUL included */
#define CERTIFICATE_CHAIN 16	/* of a file: its own, and others */
#define CERTIFICATE_NAME 254	/* octets of a host's name, NUL included */

struct certificate_term {
	time_t from, until;
};

/* A new key. NULL: no memory or randomness. */
EVP_PKEY *certificate_key(void);

/* A CA of that common name, signed by itself; it signs leaves only. NULL: out of
 * memory, or the name is longer than 64 octets. */
X509 *certificate_ca(const char *name, EVP_PKEY *, struct certificate_term);

/* A certificate of a TLS server and client with that key, for a host's name
 * ("*.example" too) or address, signed by the CA, not to outlive it. NULL: it is
 * no such name, or out of memory. */
X509 *certificate_leaf(const char *name, EVP_PKEY *, X509 *ca,
    EVP_PKEY *ca_key, struct certificate_term);

/* Whether it can be signed for: letters, digits, - and _ in labels, or an IP
 * address. */
bool certificate_names(const char *name);

/* SHA-256 of its DER. */
bool certificate_fingerprint(const X509 *, unsigned char out[32]);

/* PEM and NUL into out. Octets without the NUL; 0: no room or memory. */
size_t certificate_pem(X509 *, char *out, size_t size);
size_t certificate_key_pem(EVP_PKEY *, char *out, size_t size);

/* The first certificate of a file, and up to CERTIFICATE_CHAIN - 1 others behind
 * it, into chain; how many in all. 0: a sentence with the file and reason. */
unsigned certificate_read(const char *path, X509 *chain[CERTIFICATE_CHAIN],
    char error[CERTIFICATE_ERROR]);

/* The private key of a file. NULL: a sentence. One under a passphrase is
 * refused. */
EVP_PKEY *certificate_read_key(const char *path,
    char error[CERTIFICATE_ERROR]);

#endif
