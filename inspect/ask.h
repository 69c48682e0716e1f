/* ask: whether the comparison of a rule holds; private to inspect/.
 *
 * One function for each kind of question: about an event of the engine, about
 * what mail content measures, about a find in it. What a rule does about it is
 * judge.c's. Pure. */
#ifndef INSPECT_ASK_H
#define INSPECT_ASK_H

#include "inspect/gating.h"

/* Whether a rule's comparison holds; NOT_ASKED: this is no place for it. */
enum answer { NOT_ASKED, NO, YES };

struct question {
	const struct smtp_event *ev;
	struct span detail;		/* of YES: what it holds for */
	uint64_t number;		/* the same, if detail.p is NULL */
};

enum answer ask_event(const struct gate *, const struct policy_rule *,
    struct question *);
enum answer ask_measures(const struct gate *, const struct policy_rule *,
    struct question *);
enum answer ask_find(const struct gate *, const struct policy_rule *,
    const struct mime_find *, struct question *);

#endif
