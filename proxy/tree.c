#include "proxy/tree.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/source.h"

#define ROWS_MAX	48	/* options and sections of one section */
#define FILES_MAX	32	/* a file and what it includes */
#define DEPTH_MAX	10	/* includes within each other */
#define TITLE_MARK	'\x01'	/* between a title and its number */

struct seen {
	const void *what;
	struct place at;
};

struct tree {
	cfg_t *root;
	struct config_report *report;
	char *files[FILES_MAX];
	unsigned n_files, depth, titles;
	struct seen *seen;
	size_t n_seen, seen_max;
	bool failed;		/* an error was reported, or memory is out */
};

/* libconfuse's callbacks are given nothing of ours. */
static struct tree *parsing;

static struct place
here(const cfg_t *section)
{
	return (struct place){ section->filename, section->line };
}

/* A name of a file that lives as long as the tree. */
static const char *
keep_file(struct tree *t, const char *name)
{
	for (unsigned i = 0; i < t->n_files; i++)
		if (strcmp(t->files[i], name) == 0)
			return t->files[i];
	if (t->n_files == FILES_MAX ||
	    (t->files[t->n_files] = strdup(name)) == NULL)
		return "?";
	return t->files[t->n_files++];
}

static void
note(struct tree *t, const void *what, struct place at)
{
	if (t->n_seen == t->seen_max) {
		size_t max = t->seen_max ? 2 * t->seen_max : 64;
		struct seen *p = realloc(t->seen, max * sizeof(*p));

		if (p == NULL) {
			t->failed = true;
			return;
		}
		t->seen = p;
		t->seen_max = max;
	}
	at.file = keep_file(t, at.file);
	t->seen[t->n_seen++] = (struct seen){ what, at };
}

/* An option has got a value. */
static int
on_option(cfg_t *section, cfg_opt_t *option)
{
	note(parsing, option, here(section));
	return 0;
}

/* A section has ended. */
static int
on_section(cfg_t *parent, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);

	note(parsing, section, here(parent));
	return 0;
}

/* The next one of the same title shall be another. */
static int
on_match(cfg_t *policy, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
	size_t n = strlen(section->title);
	char *title = malloc(n + 16);

	if (title == NULL)
		return 1;
	(void)snprintf(title, n + 16, "%s%c%u", section->title, TITLE_MARK,
	    parsing->titles++);
	free(section->title);
	section->title = title;
	return on_section(policy, option);
}

static void
on_error(cfg_t *section, const char *format, va_list arguments)
{
	char text[256], names[512] = "";
	size_t n = 0;

	(void)vsnprintf(text, sizeof(text), format, arguments);
	if (strstr(format, "no such option"))
		for (cfg_opt_t *o = section->opts; o->name; o++)
			if (n + strlen(o->name) + 3 < sizeof(names))
				n += (size_t)sprintf(names + n, "%s%s",
				    n ? ", " : "; accepted here: ", o->name);
	report_error(parsing->report, here(section), "%s%s", text, names);
	parsing->failed = true;
}

/* Parse a text as a part of the section; it is changed. */
static bool
parse_text(struct tree *t, cfg_t *section, char *text, const char *name)
{
	bool done = false;
	FILE *f;

	if (!source_prepare(text, name, t->report) || *text == '\0')
		return *text == '\0';
	free(section->filename);
	section->filename = strdup(name);
	f = fmemopen(text, strlen(text), "r");
	if (f && section->filename)
		done = cfg_parse_fp(section, f) == CFG_SUCCESS;
	if (f)
		(void)fclose(f);
	return done;
}

/* A relative name is meant beside the file that has it. */
static void
beside(const char *file, const char *name, char path[PATH_MAX])
{
	const char *slash = strrchr(file, '/');
	int n = name[0] != '/' && slash ? (int)(slash + 1 - file) : 0;

	(void)snprintf(path, PATH_MAX, "%.*s%s", n, file, name);
}

/* libconfuse's own include leaves its lexer inside a file that has an error. */
static int
on_include(cfg_t *section, cfg_opt_t *option, int n, const char **names)
{
	struct place at = here(section);
	char path[PATH_MAX], *text;
	const char *why = NULL;
	bool done = false;

	(void)option;
	at.file = keep_file(parsing, at.file);
	if (n != 1 || parsing->depth == DEPTH_MAX) {
		report_error(parsing->report, at, "include: one file is "
		    "accepted, at most %d within each other", DEPTH_MAX);
		return 1;
	}
	beside(at.file, names[0], path);
	text = source_read(path, &why);
	if (text == NULL)
		report_error(parsing->report, at, "include %s: %s", path, why);
	parsing->depth++;
	if (text)
		done = parse_text(parsing, section, text, path);
	parsing->depth--;
	free(text);
	free(section->filename);
	section->filename = strdup(at.file);
	section->line = at.line;
	return done && section->filename ? 0 : 1;
}

static cfg_opt_t *
add_options(cfg_opt_t *out, enum option_place place)
{
	for (unsigned i = 0; i < option_rows_n; i++) {
		const struct option_row *row = &option_rows[i];

		if (row->place != place || row->key == NULL)
			continue;
		*out++ = (cfg_opt_t){ .name = row->key, .type = CFGT_STR,
		    .flags = CFGF_NODEFAULT | (row->many ? CFGF_LIST : 0),
		    .validcb = on_option };
	}
	return out;
}

static cfg_opt_t *
add_section(cfg_opt_t *out, const char *name, cfg_opt_t *options,
    cfg_flag_t flags, cfg_validate_callback_t ended)
{
	*out++ = (cfg_opt_t){ .name = name, .type = CFGT_SEC, .flags = flags,
	    .subopts = options, .validcb = ended };
	return out;
}

/* What libconfuse is to expect; options.def in its shape. */
static cfg_t *
new_root(void)
{
	static cfg_opt_t tops[ROWS_MAX], records[ROWS_MAX],
	    listeners[ROWS_MAX], policies[ROWS_MAX], matches[ROWS_MAX],
	    whens[ROWS_MAX];
	static cfg_opt_t include = CFG_FUNC("include", on_include);
	static const cfg_opt_t end = CFG_END();
	const cfg_flag_t titled = CFGF_MULTI | CFGF_TITLE;
	cfg_opt_t *p;

	*add_options(matches, OPTION_MATCH) = end;
	*add_options(whens, OPTION_WHEN) = end;
	*add_options(records, OPTION_RECORD) = end;
	*add_options(listeners, OPTION_LISTENER) = end;
	p = add_options(policies, OPTION_POLICY);
	p = add_section(p, "match", matches, titled, on_match);
	*add_section(p, "when", whens, CFGF_MULTI, on_section) = end;
	p = add_options(tops, OPTION_GLOBAL);
	*p++ = include;
	p = add_section(p, "record", records, CFGF_NODEFAULT, on_section);
	p = add_section(p, "listener", listeners,
	    titled | CFGF_NO_TITLE_DUPES, on_section);
	*add_section(p, "policy", policies, titled | CFGF_NO_TITLE_DUPES,
	    on_section) = end;
	return cfg_init(tops, CFGF_NONE);
}

static struct tree *
parse(char *text, const char *name, struct config_report *report)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->root = new_root()) == NULL) {
		report_error(report, (struct place){ name, 0 },
		    "out of memory");
		free(t);
		return NULL;
	}
	t->report = report;
	(void)cfg_set_error_function(t->root, on_error);
	parsing = t;
	if (!parse_text(t, t->root, text, name))
		t->failed = true;
	/* It says nothing of an empty name, and when memory is out. */
	if (t->failed && report->errors[0] == '\0')
		report_error(report, (struct place){ name, t->root->line },
		    "in or behind what begins here: an option without a name");
	parsing = NULL;
	if (t->failed) {
		tree_free(t);
		t = NULL;
	}
	return t;
}

struct tree *
tree_read(const char *path, struct config_report *report)
{
	const char *why = NULL;
	char *text = source_read(path, &why);
	struct tree *t = NULL;

	if (text)
		t = parse(text, path, report);
	else
		report_error(report, (struct place){ path, 0 }, "%s", why);
	free(text);
	return t;
}

struct tree *
tree_parse(const char *text, const char *name, struct config_report *report)
{
	char *copy = strdup(text);
	struct tree *t = NULL;

	if (copy)
		t = parse(copy, name, report);
	else
		report_error(report, (struct place){ name, 0 },
		    "out of memory");
	free(copy);
	return t;
}

void
tree_free(struct tree *t)
{
	if (t == NULL)
		return;
	(void)cfg_free(t->root);
	for (unsigned i = 0; i < t->n_files; i++)
		free(t->files[i]);
	free(t->seen);
	free(t);
}

cfg_t *
tree_root(const struct tree *t)
{
	return t->root;
}

bool
tree_place(const struct tree *t, const void *what, struct place *at)
{
	for (size_t i = t->n_seen; i-- > 0; )
		if (t->seen[i].what == what) {
			*at = t->seen[i].at;
			return true;
		}
	return false;
}

const char *
tree_title(cfg_t *section)
{
	static char title[TREE_TITLE_MAX];
	const char *whole = cfg_title(section);
	const char *mark = strchr(whole, TITLE_MARK);
	int n = mark ? (int)(mark - whole) : (int)strlen(whole);

	(void)snprintf(title, sizeof(title), "%.*s", n, whole);
	return title;
}

cfg_opt_t *
tree_option(cfg_t *section, const char *key)
{
	cfg_opt_t *option = cfg_getopt(section, key);

	return option->flags & CFGF_MODIFIED ? option : NULL;
}
