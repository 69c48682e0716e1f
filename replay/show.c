/* show: a recorded session as a transcript. */
#include "replay/document.h"
#include "replay/print.h"
#include "replay/rows.h"
#include "replay/transcribe.h"
#include "replay/verbs.h"

enum { OPTION_DATA = OPTION_LONG };

static const struct option_row options[] = {
	{ 't', "times", NULL, "when each segment came, in seconds" },
	{ OPTION_DATA, "data", NULL, "mail content line by line" },
	{ 0, NULL, NULL, NULL },
};

static int
show_json(struct store *store, int64_t session)
{
	char error[RECORD_ERROR_MAX];
	json_t *object = document(store, session, error);

	if (!object)
		return complain(EXIT_UNREADABLE, "%s", error);
	rows_print(object);
	return EXIT_OK;
}

static int
show(const struct global *g, struct store *store, const char *word,
    const struct transcribe_options *how)
{
	char error[RECORD_ERROR_MAX];
	int64_t session = find_session(store, word);

	if (!session)
		return EXIT_NO_SESSION;
	if (g->json)
		return show_json(store, session);
	if (!transcribe(stdout, store, session, how, error)) {
		(void)fflush(stdout);
		return complain(EXIT_UNREADABLE, "%s", error);
	}
	return EXIT_OK;
}

static int
show_all(const struct global *g, char **words, int n,
    const struct transcribe_options *how)
{
	struct store *store;
	int status, worst = EXIT_OK;

	if (!open_named(g, &store, &status))
		return status;
	for (int i = 0; i < n; i++) {
		if (i > 0 && !g->json)
			putchar('\n');
		status = show(g, store, words[i], how);
		if (worst == EXIT_OK)
			worst = status;
	}
	store_close(store);
	status = print_finish(stdout);
	return worst == EXIT_OK ? status : worst;
}

static int
run(struct global *g, int argc, char **argv)
{
	struct transcribe_options how = { .data = false };
	struct args args;
	int id;

	args_init(&args, g, &verb_show, argc, argv);
	while ((id = args_next(&args)) != ARGS_END)
		switch (id) {
		case 't':
			how.times = true;
			break;
		case OPTION_DATA:
			how.data = true;
			break;
		default:
			return args.status;
		}
	if (args.nwords == 0)
		return complain_usage(&verb_show, "which session?");
	how.colored = print_colored(g, stdout);
	return show_all(g, args.words, args.nwords, &how);
}

const struct verb verb_show = {
	.name = "show",
	.synopsis = "ID... [-t] [--data]",
	.help = "print sessions as transcripts",
	.more =
	    " -> the client said, <-  the server said, ~ under TLS, ** against "
	    "the protocol; x said,\nbut not passed on; = by smtptap, of its "
	    "own or in place of the line before; *** an\nevent, or a rule "
	    "that fired. Control "
	    "characters are printed as \\xNN, a line end that is\nnot CRLF as "
	    "\\n, none as \\c. `smtptap import` reads this text back.\n\n"
	    "  smtptap --db mail.db show last\n"
	    "  smtptap --db mail.db show -t --data 0197a3\n"
	    "  smtptap --db mail.db --json show last | jq .exchanges\n",
	.options = options,
	.run = run,
};
