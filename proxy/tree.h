/* tree: a configuration file, parsed by libconfuse but not yet understood.
 *
 * All values are strings. Knows which file and line each option came from. Two
 * sections `match "x"` of one policy are two, though libconfuse thinks that the
 * second takes the place of the first: a section of a policy gets a number
 * behind its title, tree_title() gives the title as written.
 *
 * The main thread only: libconfuse's lexer is one for all. */
#ifndef PROXY_TREE_H
#define PROXY_TREE_H

#include <confuse.h>

#include "proxy/options.h"
#include "proxy/report.h"

#define TREE_TITLE_MAX 64	/* octets of a section's title, NUL included */

struct tree;

/* NULL: errors were reported. */
struct tree *tree_read(const char *path, struct config_report *);

/* The same of a text; name: what errors call it. */
struct tree *tree_parse(const char *text, const char *name,
    struct config_report *);

void tree_free(struct tree *);	/* NULL: nothing */

cfg_t *tree_root(const struct tree *);

/* Where an option, or the end of a section, stands. False: not in this tree. */
bool tree_place(const struct tree *, const void *option_or_section,
    struct place *);

/* The title as written; good until the next call. */
const char *tree_title(cfg_t *section);

/* The option, if this section names it; else NULL. */
cfg_opt_t *tree_option(cfg_t *section, const char *key);

#endif
