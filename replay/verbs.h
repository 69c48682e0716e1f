/* verbs: what a verb of smtptap is, and what all verbs are given.
 *
 * A verb is a file that defines one `const struct verb verb_NAME` and has a
 * row in verbs.def. main() reads the global options before the verb; run()
 * reads its own and the global ones behind it, with args_next(). */
#ifndef REPLAY_VERBS_H
#define REPLAY_VERBS_H

#include <stdbool.h>

/* What smtptap's exit status says: EXIT_OK, EXIT_NO_SESSION, ... */
enum exit_status {
#define EXIT(symbol, code, meaning) EXIT_##symbol = code,
#include "replay/exits.def"
#undef EXIT
};

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* The options of section "Global" in the help. */
struct global {
	const char *db;		/* --db or SMTPTAP_DB; NULL: none named */
	bool json;
	bool quiet;
	int verbose;		/* how often -v was given */
	enum color_when color;
};

/* An option. id is what args_next() returns: the letter of the short form, or
 * a number from OPTION_LONG on if it has none. */
#define OPTION_LONG 256

struct option_row {
	int id;
	const char *name;	/* "timing", of --timing */
	const char *argument;	/* "fast|recorded"; NULL: takes none */
	const char *help;
};

struct verb {
	const char *name;
	const char *synopsis;	/* behind the name: "ID... [--format FORMAT]" */
	const char *help;	/* one line, no full stop */
	const char *more;	/* what --help says below; ends with an example */
	const struct option_row *options;	/* up to a row without a name */
	/* argv[0] is the first word behind the verb; argv may be permuted.
	 * Gives the exit status. */
	int (*run)(struct global *, int argc, char **argv);
};

#define VERB(name) extern const struct verb verb_##name;
#include "replay/verbs.def"
#undef VERB

/* Reading a verb's command line:
 *
 *	args_init(&args, global, &verb_show, argc, argv);
 *	while ((id = args_next(&args)) != ARGS_END)
 *		switch (id) {
 *		case 't': times = true; break;
 *		case OPTION_TO: to = args.value; break;
 *		default: return args.status;
 *		}
 *
 * -x VALUE, -xVALUE, --name VALUE, --name=VALUE; -xy for two flags; options
 * and words in any order; what follows "--" is words. */
struct args {
	struct global *global;
	const struct verb *verb;	/* NULL: before the verb */
	char **argv;
	int argc, at;
	const char *cluster;	/* rest of "-xy" */
	bool no_options;	/* behind "--" */
	const char *value;	/* of the option just returned */
	char **words;		/* good after ARGS_END */
	int nwords;
	int status;		/* with ARGS_STOP: exit with this */
};

enum { ARGS_END = -1, ARGS_STOP = -2 };

void args_init(struct args *, struct global *, const struct verb *, int argc,
    char **argv);

/* The id of the next option of this verb; the global ones are taken here. Stops
 * after --help (answered), --version (answered) and at what is no option
 * (a sentence has been said). */
int args_next(struct args *);

#endif
