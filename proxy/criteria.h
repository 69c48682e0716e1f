/* criteria: sections `match "SUBJECT" { ... }` of a policy, as rules. */
#ifndef PROXY_CRITERIA_H
#define PROXY_CRITERIA_H

#include "proxy/draft.h"

/* Add the rules of all matches: the policy's, then those of its profile that
 * the policy does not replace. A match replaces one of the same name, if that
 * was given, or if both compare with a number. */
void criteria_add(struct draft *);

#endif
