/* pki: a CA, certificates and files of a test; failures end the test. */
#ifndef TESTS_PKI_H
#define TESTS_PKI_H

#include <openssl/x509.h>
#include <time.h>

#define PKI_DAY 86400

struct pki {
	char folder[64];
	EVP_PKEY *ca_key, *key;
	X509 *ca;
};

/* With ca.pem, ca.key and key.pem, the key of all leaves. */
void pki_open(struct pki *);
void pki_close(struct pki *);		/* removes the files */

/* The path of a file in the folder, good until the next call but three. */
const char *pki_path(struct pki *, const char *file);

/* A certificate of this CA for the name, in a file; valid from and until so many
 * days from now. The caller frees what is returned. */
X509 *pki_leaf(struct pki *, const char *file, const char *name, int from,
    int until);

/* The same, signed by itself. */
void pki_self_signed(struct pki *, const char *file, const char *name);

/* A CRL of this CA, of that certificate (NULL: empty). */
void pki_crl(struct pki *, const char *file, X509 *revoked);

/* Any text. */
void pki_write(struct pki *, const char *file, const char *text);

#endif
