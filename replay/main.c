/* smtptap: the companion; finds the verb and runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/help.h"
#include "replay/print.h"

static int
help(int argc, char **argv)
{
	const struct verb *verb;

	if (argc == 0)
		return help_verb(NULL);
	verb = help_find(argv[0]);
	if (!verb)
		return complain_usage(NULL, "there is no verb \"%s\"", argv[0]);
	return help_verb(verb);
}

int
main(int argc, char **argv)
{
	struct global global = { .db = getenv("SMTPTAP_DB") };
	const struct verb *verb;
	struct args args;
	const char *name;

	if (global.db && !global.db[0])
		global.db = NULL;
	args_init(&args, &global, NULL, argc - 1, argv + 1);
	if (args_next(&args) == ARGS_STOP)
		return args.status;
	if (args.at == args.argc)
		return complain_usage(NULL, "no verb was given");
	name = args.argv[args.at++];
	argc = args.argc - args.at;
	argv = args.argv + args.at;
	if (strcmp(name, "help") == 0)
		return help(argc, argv);
	verb = help_find(name);
	if (!verb)
		return complain_usage(NULL, "there is no verb \"%s\"", name);
	return verb->run(&global, argc, argv);
}
