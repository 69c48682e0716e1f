#include "replay/verbs.h"

#include <stdio.h>
#include <string.h>

#include "replay/help.h"
#include "replay/print.h"

static const struct option_row *
row_named(const struct option_row *rows, const char *name, size_t n)
{
	for (; rows && rows->name; rows++)
		if (strlen(rows->name) == n && memcmp(rows->name, name, n) == 0)
			return rows;
	return NULL;
}

static const struct option_row *
row_lettered(const struct option_row *rows, int letter)
{
	for (; rows && rows->name; rows++)
		if (rows->id == letter)
			return rows;
	return NULL;
}

static int
stop(struct args *a, int status)
{
	a->status = status;
	return ARGS_STOP;
}

static bool
take_color(struct global *g, const char *when)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto",
		[COLOR_ALWAYS] = "always",
		[COLOR_NEVER] = "never",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(when, names[i]) == 0) {
			g->color = (enum color_when)i;
			return true;
		}
	return false;
}

/* A global option: 0 if it only set something. */
static int
take_global(struct args *a, const struct option_row *row)
{
	struct global *g = a->global;

	switch (row->id) {
	case GLOBAL_DB:
		g->db = a->value;
		return 0;
	case GLOBAL_JSON:
		g->json = true;
		return 0;
	case GLOBAL_COLOR:
		if (take_color(g, a->value))
			return 0;
		return stop(a, complain_usage(a->verb,
		    "--color is auto, always or never, not \"%s\"", a->value));
	case 'q':
		g->quiet = true;
		return 0;
	case 'v':
		g->verbose++;
		return 0;
	case 'V':
		return stop(a, help_version());
	default:
		return stop(a, help_verb(a->verb));
	}
}

/* The row was found in the verb's table or in the global one. */
static int
take(struct args *a, const struct option_row *row, bool global)
{
	return global ? take_global(a, row) : row->id;
}

static int
take_long(struct args *a, const char *word)
{
	size_t n = strcspn(word, "=");
	const struct option_row *own = a->verb ?
	    row_named(a->verb->options, word, n) : NULL;
	const struct option_row *row = own ? own :
	    row_named(help_globals, word, n);

	if (!row)
		return stop(a, complain_usage(a->verb,
		    "there is no option --%.*s", (int)n, word));
	if (!row->argument && word[n])
		return stop(a, complain_usage(a->verb,
		    "--%s takes no value", row->name));
	a->value = NULL;
	if (row->argument) {
		a->value = word[n] ? word + n + 1 : a->argv[a->at];
		if (!word[n] && a->at < a->argc)
			a->at++;
		else if (!word[n])
			return stop(a, complain_usage(a->verb,
			    "--%s needs a value: %s", row->name,
			    row->argument));
	}
	return take(a, row, !own);
}

static int
take_short(struct args *a)
{
	int letter = (unsigned char)*a->cluster++;
	const struct option_row *own = a->verb ?
	    row_lettered(a->verb->options, letter) : NULL;
	const struct option_row *row = own ? own :
	    row_lettered(help_globals, letter);

	if (!row)
		return stop(a, complain_usage(a->verb,
		    "there is no option -%c", letter));
	a->value = NULL;
	if (row->argument) {
		if (*a->cluster)
			a->value = a->cluster;
		else if (a->at < a->argc)
			a->value = a->argv[a->at++];
		else
			return stop(a, complain_usage(a->verb,
			    "-%c needs a value: %s", letter, row->argument));
		a->cluster = "";
	}
	return take(a, row, !own);
}

void
args_init(struct args *a, struct global *global, const struct verb *verb,
    int argc, char **argv)
{
	*a = (struct args){
		.global = global, .verb = verb, .argv = argv, .argc = argc,
		.cluster = "", .words = argv,
	};
}

int
args_next(struct args *a)
{
	while (*a->cluster || a->at < a->argc) {
		int id = 0;

		if (*a->cluster) {
			id = take_short(a);
		} else {
			char *word = a->argv[a->at];

			if (!a->verb && (word[0] != '-' || !word[1]))
				break;	/* the verb */
			a->at++;
			if (a->no_options || word[0] != '-' || !word[1])
				a->words[a->nwords++] = word;
			else if (strcmp(word, "--") == 0)
				a->no_options = true;
			else if (word[1] == '-')
				id = take_long(a, word + 2);
			else
				a->cluster = word + 1;
		}
		if (id != 0)
			return id;
	}
	return ARGS_END;
}
