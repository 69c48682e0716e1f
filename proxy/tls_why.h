/* tls_why: sentences on what went wrong with TLS, for tls*.c only. */
#ifndef PROXY_TLS_WHY_H
#define PROXY_TLS_WHY_H

#include "proxy/tls_part.h"

/* A certificate's fault. host: the server's; "": it is a client's. */
void tls_why_fault(const struct tls_fault *, const char *host,
    char out[TLS_ERROR]);

/* What the last call of OpenSSL has left in its queue of errors, which is then
 * empty; error: errno, or 0 for the peer's end of stream. */
void tls_why_failed(int error, char out[TLS_ERROR]);

/* Octets of the peer's as printable ASCII, '?' for others. */
void tls_why_text(char *out, size_t size, const void *octets, size_t n);

/* The first name in a certificate: of the SAN, else the common name, or "". */
void tls_why_name(X509 *, char *out, size_t size);

#endif
