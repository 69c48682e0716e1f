/* policies: those of one configuration, by name, and all memory they point to.
 *
 * Made by config.h, then never changed: any thread reads them. A built-in
 * profile is a policy, too, where no section has its name. */
#ifndef PROXY_POLICIES_H
#define PROXY_POLICIES_H

#include "inspect/policy.h"
#include "proxy/report.h"

struct policies;
struct tree;

/* Those of the text, and the profiles that it asks for by name. NULL: errors
 * were reported. host: what this machine is called, where a policy does not
 * say. */
struct policies *policies_make(const struct tree *, const char *host,
    struct config_report *);

/* Sealed and checked. NULL: there is none of this name. */
const struct policy *policies_find(const struct policies *, const char *name);

/* How many there are, profiles in use included. */
unsigned policies_count(const struct policies *);

/* Some rule needs a struct rate_table. */
bool policies_limit_rates(const struct policies *);

void policies_free(struct policies *);	/* NULL: nothing */

#endif
