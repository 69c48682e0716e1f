/* tape: a recording made by hand, for tests of what plays one. */
#ifndef TESTS_UNIT_TAPE_H
#define TESTS_UNIT_TAPE_H

#include "record/store.h"

/* What came, in order; each line is one segment, 100 ms behind the one before:
 *	{ "S:220 hello\r\n", "C:QUIT\r\n", "S!", NULL }
 * "C:" and "S:" bytes, "C!" and "S!" the end of a side, "C?" a gap; "Cx" bytes
 * that were withheld, "C+" made, "S=" a line of smtptap's own; "C~" TLS. */
void tape_make(struct store_wire *, const char *const lines[]);
void tape_free(struct store_wire *);

#endif
