/* tls_text: what is known of TLS with one side, in words.
 *
 *	TLSv1.3 TLS_AES_256_GCM_SHA384 X25519, sni mx.example.net, alpn smtp,
 *	resumed, 1.234 ms, verified: ok
 * in one line: what a frame SECURED carries and a transcript shows. What is not
 * known is left out. Names from a peer that would not read back are changed: the
 * tables have them as they are. Pure but for the text it appends to. */
#ifndef RECORD_TLS_TEXT_H
#define RECORD_TLS_TEXT_H

#include "record/recorder.h"

void tls_text(struct text *, const struct recorder_tls *);

/* What tls_text() has written; what is no such word is passed over. side and
 * the chain are left as they are. */
void tls_text_parse(struct span, struct recorder_tls *);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384", for the session's row; NUL-terminated. */
void tls_text_short(char *to, size_t room, const struct recorder_tls *);

#endif
