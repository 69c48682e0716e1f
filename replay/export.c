/* export: recorded sessions as text, JSON or mail. */
#include <errno.h>
#include <stdlib.h>

#include "replay/document.h"
#include "replay/lossless.h"
#include "replay/mail.h"
#include "replay/print.h"
#include "replay/rows.h"
#include "replay/verbs.h"

enum { OPTION_FORMAT = OPTION_LONG, OPTION_MESSAGE };

static const struct option_row options[] = {
	{ OPTION_FORMAT, "format", "text|json|eml",
	    "what to write; text if not said" },
	{ OPTION_MESSAGE, "message", "N",
	    "eml: the N-th message of the session, from 1" },
	{ 'o', "output", "FILE", "write there, not to standard output" },
	{ 0, NULL, NULL, NULL },
};

struct export {
	struct store *store;
	FILE *out;
	unsigned message;	/* 0: the only one */
	unsigned done;		/* sessions written */
};

static int
export_text(struct export *e, int64_t session)
{
	char error[RECORD_ERROR_MAX];

	if (e->done)
		fputc('\n', e->out);
	if (lossless(e->out, e->store, session, error))
		return EXIT_OK;
	return complain(EXIT_UNREADABLE, "%s", error);
}

static int
export_json(struct export *e, int64_t session)
{
	char error[RECORD_ERROR_MAX];
	json_t *object = document(e->store, session, error);

	if (!object)
		return complain(EXIT_UNREADABLE, "%s", error);
	(void)json_dumpf(object, e->out, JSON_COMPACT);
	fputc('\n', e->out);
	json_decref(object);
	return EXIT_OK;
}

/* The message that was asked for, or the only one that has content. */
static int
choose(const struct export *e, const struct mail *m, const char *word,
    const struct mail_content **chosen)
{
	unsigned n = 0;

	*chosen = mail_find(m, e->message);
	if (e->message && !*chosen)
		return complain(EXIT_NO_SESSION,
		    "session %s has no message %u with content", word,
		    e->message);
	for (size_t i = 0; !e->message && i < m->n; i++)
		if (m->contents[i].seq) {
			*chosen = &m->contents[i];
			n++;
		}
	if (n > 1)
		return complain(EXIT_USAGE, "session %s has %u messages: say "
		    "which with --message N", word, n);
	if (!*chosen)
		return complain(EXIT_NO_SESSION,
		    "session %s has no message with content", word);
	return EXIT_OK;
}

static int
export_mail(struct export *e, int64_t session, const char *word)
{
	char error[RECORD_ERROR_MAX];
	const struct mail_content *content;
	struct store_wire wire;
	struct walk_unit unit;
	struct walk walk;
	struct mail mail;
	int status = EXIT_UNREADABLE;

	mail_open(&mail, true);
	if (!store_wire(e->store, session, &wire, error)) {
		(void)complain(EXIT_UNREADABLE, "%s", error);
		goto done;
	}
	walk_open(&walk, &wire);
	while (walk_next(&walk, &unit))
		mail_add(&mail, &unit);
	mail_end(&mail);
	walk_close(&walk);
	status = choose(e, &mail, word, &content);
	if (status == EXIT_OK)
		(void)fwrite(content->bytes.p, 1, content->bytes.n, e->out);
done:
	store_wire_free(&wire);
	mail_close(&mail);
	return status;
}

static int
export(struct export *e, const char *format, const char *word)
{
	int64_t session = find_session(e->store, word);
	int status;

	if (!session)
		return EXIT_NO_SESSION;
	switch (format[0]) {
	case 't':
		status = export_text(e, session);
		break;
	case 'j':
		status = export_json(e, session);
		break;
	default:
		status = export_mail(e, session, word);
		break;
	}
	e->done++;
	return status;
}

static int
export_all(const struct global *g, struct export *e, const char *format,
    const char *path, const struct args *args)
{
	int status, finished;

	if (!open_named(g, &e->store, &status))
		return status;
	e->out = path ? fopen(path, "w") : stdout;
	if (!e->out) {
		status = complain(EXIT_USAGE, "%s cannot be written: %s", path,
		    strerror(errno));
		goto done;
	}
	for (int i = 0; i < args->nwords && status == EXIT_OK; i++)
		status = export(e, format, args->words[i]);
	finished = print_finish(e->out);
	if (path && fclose(e->out) != 0 && finished == EXIT_OK)
		finished = complain(EXIT_USAGE, "%s cannot be written: %s",
		    path, strerror(errno));
	status = status == EXIT_OK ? finished : status;
done:
	store_close(e->store);
	return status;
}

static bool
is_format(const char *word)
{
	return strcmp(word, "text") == 0 || strcmp(word, "json") == 0 ||
	    strcmp(word, "eml") == 0;
}

static int
run(struct global *g, int argc, char **argv)
{
	const char *format = NULL, *path = NULL;
	struct export e = { .message = 0 };
	struct args args;
	char *end;
	int id;

	args_init(&args, g, &verb_export, argc, argv);
	while ((id = args_next(&args)) != ARGS_END)
		switch (id) {
		case OPTION_FORMAT:
			format = args.value;
			if (!is_format(format))
				return complain_usage(&verb_export,
				    "--format is text, json or eml, not "
				    "\"%s\"", format);
			break;
		case OPTION_MESSAGE:
			e.message = (unsigned)strtoul(args.value, &end, 10);
			if (*end || !e.message || args.value[0] == '-')
				return complain_usage(&verb_export,
				    "--message wants a number from 1, not "
				    "\"%s\"", args.value);
			break;
		case 'o':
			path = args.value;
			break;
		default:
			return args.status;
		}
	if (args.nwords == 0)
		return complain_usage(&verb_export, "which session?");
	if (!format)
		format = g->json ? "json" : "text";
	if (format[0] == 'e' && args.nwords > 1)
		return complain_usage(&verb_export,
		    "--format eml takes one session");
	return export_all(g, &e, format, path, &args);
}

const struct verb verb_export = {
	.name = "export",
	.synopsis = "ID... [--format text|json|eml] [--message N] [-o FILE]",
	.help = "write sessions as text, JSON or mail",
	.more =
	    "text has every octet, time and segment: `smtptap import` makes "
	    "the same session of it.\njson is what `show --json` prints. eml "
	    "is the mail content, dots unstuffed; where a\nsession has "
	    "several messages, --message says which (their numbers are in "
	    "show --json).\n\n"
	    "  smtptap --db mail.db export last -o failing.smtp\n"
	    "  smtptap --db mail.db export last~1 --format eml --message 2 "
	    "> second.eml\n",
	.options = options,
	.run = run,
};
