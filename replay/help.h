/* help: what smtptap says about itself, from the tables of verbs. */
#ifndef REPLAY_HELP_H
#define REPLAY_HELP_H

#include "replay/verbs.h"

enum { GLOBAL_DB = OPTION_LONG + 1000, GLOBAL_JSON, GLOBAL_COLOR };

/* The options every verb has. */
extern const struct option_row help_globals[];

const struct verb *help_find(const char *name);	/* NULL: no such verb */

/* To stdout; give the exit status. verb NULL: all of smtptap. */
int help_verb(const struct verb *);
int help_version(void);

#endif
