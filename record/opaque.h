/* opaque: what is to be seen of TLS that passes through, of both its sides.
 *
 * Counts octets, and reads the hellos (inspect/clienthello.h). One thread. */
#ifndef RECORD_OPAQUE_H
#define RECORD_OPAQUE_H

#include "inspect/clienthello.h"
#include "record/recorder.h"

struct opaque {
	int64_t t_us;		/* when the first of it came */
	uint64_t octets[2];	/* by side */
	struct hello hello[2];
};

/* Bytes of that side. True: more is known than before. */
bool opaque_take(struct opaque *, enum smtp_side, struct span bytes,
    int64_t t_us);

/* What is known, as that side's row. */
void opaque_tls(const struct opaque *, enum smtp_side, struct recorder_tls *);

/* The same, as facts of the session: "opaque TLSv1.3 TLS_AES_256_GCM_SHA384". */
void opaque_session(const struct opaque *, struct recorder_session *);

#endif
