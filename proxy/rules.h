/* rules: the rows of a policy: what its matches say, and what its options stand
 * for. */
#ifndef PROXY_RULES_H
#define PROXY_RULES_H

#include "proxy/draft.h"

/* Add all rules of the draft; its policy's host is known. */
void rules_make(struct draft *);

#endif
