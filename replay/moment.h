/* moment: times as people write them. UTC throughout; us since 1970. Pure. */
#ifndef REPLAY_MOMENT_H
#define REPLAY_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/span.h"

/* What a text names: a day is as long as a day. to_us is behind it. */
struct moment {
	int64_t from_us, to_us;
};

/* "250ms", "2s", "1.5h", "3d": a span of time; a bare number is seconds. */
bool moment_span(const char *text, int64_t *us);

/* "2026-11-22", "2026-11-22T10:30", "2026-11-22T10:30:05.123456Z", also with a
 * blank for the T; "today", "yesterday", "now"; "2h": so long before now. */
bool moment_parse(const char *text, int64_t now_us, struct moment *);

#endif
