/* compare: whether two replies are the same but for what differs every time
 * (normalise.h). Pure; any thread. */
#ifndef REPLAY_COMPARE_H
#define REPLAY_COMPARE_H

#include "inspect/smtp.h"

enum compare_level {
	COMPARE_OFF,		/* any two replies are the same */
	COMPARE_CODE,		/* the three digits */
	COMPARE_ENHANCED,	/* and the enhanced status code of the first line */
	COMPARE_TEXT,		/* and all lines, volatile parts replaced */
};

/* A whole reply: every line with its line end. */
struct compare_reply {
	enum smtp_verb verb;	/* what it answers */
	int code;
	struct span lines;
};

/* "off", "code", "enhanced", "text"; false for anything else. */
bool compare_level(const char *word, enum compare_level *);

/* Both are replies to the same place in a session; verb is taken from the
 * first. */
bool compare_same(enum compare_level, const struct compare_reply *,
    const struct compare_reply *);

#endif
