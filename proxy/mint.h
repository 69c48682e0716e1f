/* mint: certificates for names, signed by a local CA as clients ask for them.
 *
 * All have one key. A certificate is kept for the next client of its name, up
 * to MINT_KEPT of them, and made anew when a quarter of its time is over. Any
 * thread. */
#ifndef PROXY_MINT_H
#define PROXY_MINT_H

#include <openssl/x509.h>

#define MINT_KEPT	1024	/* certificates */
#define MINT_DAYS	30	/* of validity, from a day ago */

struct mint;

/* Takes its own references to the CA's certificate and key. NULL: out of
 * memory. */
struct mint *mint_new(X509 *ca, EVP_PKEY *ca_key);
void mint_free(struct mint *);		/* NULL: nothing */

/* A certificate for a host's name or address, for the caller to free, and the
 * key of all of them, the mint's. NULL: it is no host's name, or memory is out.
 * now is in s since 1970. */
X509 *mint_leaf(struct mint *, const char *name, time_t now);
EVP_PKEY *mint_key(const struct mint *);

#endif
