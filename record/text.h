/* text: a growing run of bytes, and JSON written into it.
 *
 * Zero-initialised is empty. Growth failure sets failed and drops what does
 * not fit; check it once at the end. The daemon writes JSON with this and
 * reads none. One thread at a time. */
#ifndef RECORD_TEXT_H
#define RECORD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/span.h"

struct text {
	char *p;
	size_t n, room;
	bool failed;
};

void text_free(struct text *);
void text_clear(struct text *);		/* empty; the memory stays */
void text_put(struct text *, const void *bytes, size_t n);
void text_span(struct text *, struct span);
void text_str(struct text *, const char *);
void text_int(struct text *, int64_t);	/* decimal */
void text_printf(struct text *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* n octets at the end to be written by the caller; NULL if there is no memory. */
char *text_grow(struct text *, size_t n);

/* A JSON string, quoted. Octets that are not UTF-8 become \\xNN, as in a
 * transcript, so that every text stays valid JSON. */
void text_json(struct text *, struct span);

/* The same as plain text: what is not UTF-8, and NUL, becomes \\xNN. */
void text_printable(struct text *, struct span);

/* The same into a NUL-terminated string of at most room octets, cut at the end
 * of a character. Allocates nothing. */
void text_copy(char *to, size_t room, struct span);

static inline struct span
text_all(const struct text *t)
{
	return (struct span){ t->p, t->n };
}

#endif
