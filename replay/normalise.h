/* normalise: replaces in a reply what differs from run to run.
 *
 * What is volatile is one row each in normalisers.def, with its reason and an
 * example. Pure; any thread. */
#ifndef REPLAY_NORMALISE_H
#define REPLAY_NORMALISE_H

#include "inspect/smtp.h"

#define NORMALISE_LINE_MAX 1024	/* octets; what is longer stays as it is */

/* A line of a reply (no line end), every volatile part of its text replaced by
 * its name: "250 Ok: queued as <queue-id>". number counts the lines of the reply
 * from 0. The octets written to out, at most room; a line longer than
 * NORMALISE_LINE_MAX is copied as it is. */
size_t normalise_line(enum smtp_verb verb, size_t number, struct span line,
    char *out, size_t room);

/* One row of normalisers.def; NULL behind the last. For the manual, and for the
 * test that every row does what its example says. */
struct normalise_row {
	const char *name, *reason, *example;
	enum smtp_verb verb;	/* that the example answers */
};
const struct normalise_row *normalise_row(size_t i);

/* The code of a line, 0 if it has none; *text is what stands behind it. */
int normalise_code(struct span line, struct span *text);

#endif
