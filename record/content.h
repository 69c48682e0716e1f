/* content: what is kept of a message besides its bytes: size, digest, fields,
 * and what is odd about them.
 *
 * Fed with the content as it passes, it forgets the bytes and keeps the front of
 * the header (CONTENT_HEADER_MAX octets). "As meant": the dots that DATA stuffs
 * are taken out, the final dot is not part of it (RFC 5321 4.5.2). One thread. */
#ifndef RECORD_CONTENT_H
#define RECORD_CONTENT_H

#include <openssl/evp.h>

#include "inspect/mime.h"
#include "record/text.h"

#define CONTENT_HEADER_MAX	16384	/* octets of header looked at for fields */
#define CONTENT_FIELD_MAX	1000	/* octets of one field kept */
#define CONTENT_CHECKED_MAX	8192	/* octets in which encodings are checked */

struct content {
	EVP_MD_CTX *digest;	/* NULL: not wanted */
	struct text header;	/* the front of the message, as meant */
	uint64_t size;		/* octets as meant */
	uint64_t reported;	/* anomalies already reported for it */
	bool header_whole;	/* the empty line has been seen */
	char tail[2];		/* the last octets as sent */
	uint64_t inspected;	/* octets that mime has read */
	struct mime *mime;	/* NULL: it has said what is odd */
};

/* digest: whether content_digest() will be asked. NULL: out of memory. */
struct content *content_new(bool digest);
void content_free(struct content *);

/* More of it. stuffed: sent by DATA. */
void content_put(struct content *, struct span bytes, bool stuffed);

/* Call once, at the end. */
void content_digest(struct content *, unsigned char sha256[32]);

/* What was odd about its headers, and about the encodings in its first octets
 * (CONTENT_CHECKED_MAX): anomalies of inspect/smtp.h. Call once, at the end. */
uint64_t content_odd(struct content *);

/* The first header field of that name, unfolded, appended to out with a NUL;
 * the offset of it in out, or -1 if there is none. */
long content_field(const struct content *, const char *name, struct text *out);

#endif
