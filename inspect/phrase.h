/* phrase: what the standard says a reply with this code says; phrases.def. Pure. */
#ifndef INSPECT_PHRASE_H
#define INSPECT_PHRASE_H

#include "inspect/smtp.h"

enum phrase_keeps {
	PHRASE_NOTHING,	/* the words stand for the whole text */
	PHRASE_PART,	/* and in front of the part that is kept */
	PHRASE_NAMES,	/* all of the text stays, but for names in it */
	PHRASE_DATA,	/* all of it stays */
};

struct phrase {
	enum phrase_keeps keeps;
	struct span words;	/* static */
	struct span part;	/* PART: which, in text */
};

/* For this reply to this verb; text is what stands behind an enhanced status
 * code. A queue id is a part only if with_id. There always is a phrase. */
struct phrase phrase_find(int code, enum smtp_verb verb, struct span text,
    bool with_id);

#endif
