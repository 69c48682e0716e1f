/* tls_files: what a context reads from files, for tls_context.c only.
 *
 * False: a sentence that names the file and the reason. */
#ifndef PROXY_TLS_FILES_H
#define PROXY_TLS_FILES_H

#include "proxy/tls_part.h"

/* The certificate of one file with its chain, and its key. */
bool tls_files_pair(SSL_CTX *, const char *cert, const char *key,
    char error[TLS_ERROR]);

/* A CA to mint with. One that is not a root is shown with its leaves. NULL: a
 * sentence. */
struct mint *tls_files_mint(SSL_CTX *, const char *ca_cert, const char *ca_key,
    char error[TLS_ERROR]);

/* The CAs to trust; NULL: the system's. Read whole, here: later no file can be
 * opened. */
bool tls_files_trust(SSL_CTX *, const char *path, char error[TLS_ERROR]);

/* The CAs whose certificates clients are asked for. */
bool tls_files_ask(SSL_CTX *, const char *path, char error[TLS_ERROR]);

bool tls_files_crl(SSL_CTX *, const char *path, char error[TLS_ERROR]);

#endif
