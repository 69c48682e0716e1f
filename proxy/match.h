/* match: one section `match "SUBJECT" { ... }` of a policy, as a rule. */
#ifndef PROXY_MATCH_H
#define PROXY_MATCH_H

#include "proxy/draft.h"

/* Add the rules of all matches: the policy's, then those of its profile that
 * the policy does not replace. A match replaces one of the same name, if that
 * was given, or if both compare with a number. */
void match_rules(struct draft *);

#endif
