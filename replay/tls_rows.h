/* tls_rows: what is recorded of the TLS of a session, besides the wire. */
#ifndef REPLAY_TLS_ROWS_H
#define REPLAY_TLS_ROWS_H

#include <jansson.h>

#include "record/store.h"

/* The rows of the view tls; chain is a list of {"sha256", "pem"}. New, never
 * NULL. */
json_t *tls_rows_array(struct store *, int64_t session);

/* TLS that passed through, in words: "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519,
 * sni mx.example, offered TLSv1.3 TLSv1.2"; nothing if none did. */
void tls_rows_opaque(struct text *, struct store *, int64_t session);

#endif
