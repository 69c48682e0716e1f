/* verdict: what came of a replay. */
#ifndef REPLAY_VERDICT_H
#define REPLAY_VERDICT_H

#include "record/text.h"
#include "replay/compare.h"
#include "replay/script.h"
#include "replay/verbs.h"

#define VERDICT_DIFFERENCES_MAX 100	/* kept; the rest is only counted */

/* Zero-initialised: nothing has differed. */
struct verdict {
	enum exit_status status;	/* of the first departure; OK: none */
	size_t compared, differed;	/* replies */
	const char *stopped;		/* why the rest was not played; NULL */
	char why[512];			/* room for that */
	struct text differences;	/* elements of a JSON array */
};

/* Something was not as recorded. The first to be told names the status. */
void verdict_depart(struct verdict *, enum exit_status);

/* A reply differs from the recorded one; was is NULL where there is none. */
void verdict_differ(struct verdict *, const struct script_reply *was,
    const struct compare_reply *is);

void verdict_fini(struct verdict *);

#endif
