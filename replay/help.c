#include "replay/help.h"

#include <stdio.h>
#include <string.h>

#include "replay/print.h"

static const struct verb *const verbs[] = {
#define VERB(name) &verb_##name,
#include "replay/verbs.def"
#undef VERB
};

static const struct {
	int code;
	const char *meaning;
} exits[] = {
#define EXIT(symbol, code, meaning) { code, meaning },
#include "replay/exits.def"
#undef EXIT
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const struct option_row help_globals[] = {
	{ GLOBAL_DB, "db", "FILE", "the recording; else SMTPTAP_DB names it" },
	{ GLOBAL_JSON, "json", NULL, "print JSON (verbs that read)" },
	{ GLOBAL_COLOR, "color", "auto|always|never",
	    "colours; auto: on a terminal, unless NO_COLOR is set" },
	{ 'q', "quiet", NULL, "say only what was asked for" },
	{ 'v', "verbose", NULL, "say more" },
	{ 'V', "version", NULL, "print the version" },
	{ 'h', "help", NULL, "print this help" },
	{ 0, NULL, NULL, NULL },
};

const struct verb *
help_find(const char *name)
{
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static void
print_options(const struct option_row *row)
{
	for (; row && row->name; row++) {
		char left[64];

		(void)snprintf(left, sizeof(left), "%c%c%s--%s%s%s",
		    row->id < OPTION_LONG ? '-' : ' ',
		    row->id < OPTION_LONG ? row->id : ' ',
		    row->id < OPTION_LONG ? ", " : "  ", row->name,
		    row->argument ? " " : "",
		    row->argument ? row->argument : "");
		printf("  %-30s %s\n", left, row->help);
	}
}

static int
help_all(void)
{
	printf("smtptap: reads what smtptapd recorded, and plays it again.\n\n"
	    "usage: smtptap [OPTION]... VERB [ARGUMENT]...\n\n");
	for (size_t i = 0; i < COUNT(verbs); i++)
		printf("  %-10s %s\n", verbs[i]->name, verbs[i]->help);
	printf("  %-10s %s\n\nOptions, before or behind the verb:\n", "help",
	    "what a verb does: smtptap help show");
	print_options(help_globals);
	printf("\nA session is named by its id, by the beginning of one if no "
	    "other begins so,\nby \"last\", or by \"last~2\" (the second "
	    "before the last).\n\nExit status:\n");
	for (size_t i = 0; i < COUNT(exits); i++)
		printf("  %2d  %s\n", exits[i].code, exits[i].meaning);
	return print_finish(stdout);
}

int
help_verb(const struct verb *verb)
{
	if (!verb)
		return help_all();
	printf("smtptap %s: %s.\n\nusage: smtptap %s %s\n\n", verb->name,
	    verb->help, verb->name, verb->synopsis);
	print_options(verb->options);
	printf("%sOptions of every verb: smtptap --help\n\n%s",
	    verb->options && verb->options->name ? "\n" : "", verb->more);
	return print_finish(stdout);
}

int
help_version(void)
{
	printf("smtptap %s\n", SMTPTAP_VERSION);
	return print_finish(stdout);
}
