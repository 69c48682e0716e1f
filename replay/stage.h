/* stage: what is said during a replay or a serve, printed as a transcript. */
#ifndef REPLAY_STAGE_H
#define REPLAY_STAGE_H

#include <stdio.h>

#include "record/recorder.h"
#include "replay/print.h"

struct stage {
	FILE *out;		/* NULL: nothing is printed */
	bool colored;
	bool tls;		/* what is said is said in TLS */
};

/* Lines that a side said; own: smtptap's own, not of the recording. */
void stage_lines(const struct stage *, enum smtp_side, bool own,
    struct span lines);

/* Bytes of a side that are not shown. */
void stage_octets(const struct stage *, enum smtp_side, size_t n);

/* "*** what", and behind it the lines of a peer, each but the first on a line
 * of its own. */
void stage_event(const struct stage *, const char *what, struct span lines);

/* "*** TLS with the server: ...", and from here on it is said in TLS. */
void stage_secured(struct stage *, enum smtp_side peer,
    const struct recorder_tls *);

#endif
