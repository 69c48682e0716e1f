/* part: what the header of a message, or of a part of one, says of its body.
 * Private to the reader of mime.h, whose state it works on. */
#ifndef INSPECT_PART_H
#define INSPECT_PART_H

#include "inspect/mime.h"

enum part_kind { PART_LEAF, PART_MULTIPART, PART_MESSAGE };

/* A header begins. kind: of the body, if no field says. */
void part_begin(struct mime *, enum part_kind);

/* A field is whole: its front is in m->field. Then ask part_find(). */
void part_field(struct mime *);

/* What the field says, one by one. False: that was all, until the next one. */
bool part_find(struct mime *, struct mime_find *);

/* The header is over: what its body is to be read as. */
enum part_kind part_body(struct mime *);

#endif
