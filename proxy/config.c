#include "proxy/config.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/listener_tls.h"
#include "proxy/tree.h"

/* A file being turned into settings. */
struct reader {
	struct tree *tree;
	struct config_report *report;
	struct settings *settings;
};

static struct place
place_of(const struct reader *r, const void *what)
{
	struct place at = { "?", 0 };

	(void)tree_place(r->tree, what, &at);
	return at;
}

/* Look at all values of an option; keep them in the draft, if there is one. */
static void
read_option(struct reader *r, const struct option_row *row, cfg_t *section,
    cfg_opt_t *option, struct options *draft)
{
	void *field = draft && row->field != SIZE_MAX ?
	    (char *)draft + row->field : NULL;

	if (cfg_opt_size(option) == 0)
		report_error(r->report, place_of(r, section), "%s {}: at least "
		    "one value is accepted: %s", row->key, row->argument);
	for (unsigned i = 0; i < cfg_opt_size(option); i++) {
		const char *value = cfg_opt_getnstr(option, i);
		const char *accepted = row->read(field, value);

		if (accepted)
			report_error(r->report, place_of(r, option),
			    "%s \"%.200s\": %s", row->key, value, accepted);
	}
}

/* The options of a section, whichever it names. */
static void
read_section(struct reader *r, cfg_t *section, enum option_place place,
    struct options *draft)
{
	for (unsigned i = 0; i < option_rows_n; i++) {
		const struct option_row *row = &option_rows[i];
		cfg_opt_t *option;

		if (row->place != place || row->key == NULL)
			continue;
		option = tree_option(section, row->key);
		if (option)
			read_option(r, row, section, option, draft);
	}
}

static void
read_title(struct reader *r, cfg_t *section)
{
	const char *title = cfg_title(section);

	if (value_name(NULL, title) != NULL ||
	    strlen(title) >= SETTINGS_NAME_MAX)
		report_error(r->report, place_of(r, section), "%s \"%.100s\": "
		    "a name of 1 to %d printable characters is accepted",
		    cfg_name(section), title, SETTINGS_NAME_MAX - 1);
}

static void
read_policy(struct reader *r, cfg_t *policy)
{
	read_title(r, policy);
	read_section(r, policy, OPTION_POLICY, NULL);
	for (unsigned i = 0; i < cfg_size(policy, "match"); i++)
		read_section(r, cfg_getnsec(policy, "match", i), OPTION_MATCH,
		    NULL);
	for (unsigned i = 0; i < cfg_size(policy, "when"); i++)
		read_section(r, cfg_getnsec(policy, "when", i), OPTION_WHEN,
		    NULL);
}

/* All policies of the tree. NULL: errors were reported. */
static struct policies *
read_policies(struct reader *r, const char *host)
{
	cfg_t *root = tree_root(r->tree);

	for (unsigned i = 0; i < cfg_size(root, "policy"); i++)
		read_policy(r, cfg_getnsec(root, "policy", i));
	return r->report->errors[0] ? NULL :
	    policies_make(r->tree, host, r->report);
}

static bool
read_listener(struct reader *r, cfg_t *section, struct options *o)
{
	options_default(o);
	read_title(r, section);
	read_section(r, section, OPTION_LISTENER, o);
	if (tree_option(section, "listen") == NULL)
		report_error(r->report, place_of(r, section), "listener "
		    "\"%s\": listen is missing: {\"ADDR:PORT\"}", cfg_title(section));
	if (tree_option(section, "upstream") == NULL)
		report_error(r->report, place_of(r, section), "listener "
		    "\"%s\": upstream is missing: \"HOST:PORT\"", cfg_title(section));
	return r->report->errors[0] == '\0';
}

static void
take_listener(struct reader *r, struct settings_listener *l, cfg_t *section,
    const struct options *o)
{
	struct listener_tls_fault fault;
	cfg_opt_t *option;

	settings_take_listener(r->settings, l, cfg_title(section), o);
	if (listener_tls_check(o, &fault) && listener_tls_open(l, o, &fault))
		return;
	option = tree_option(section, fault.key);
	report_error(r->report, place_of(r, option ? (void *)option : section),
	    "%s: %s", fault.key, fault.why);
}

/* The same address and port, however it is written. */
static bool
is_same(const struct endpoint *a, const struct endpoint *b)
{
	struct address x, y;

	return a->port && a->port == b->port && address_literal(a, &x) &&
	    address_literal(b, &y) && address_same_host(&x, &y);
}

/* Refuse an address that this listener, or one before it, has already. */
static void
check_address(struct reader *r, unsigned which, unsigned i)
{
	struct settings_listener *all = r->settings->listeners;
	const struct endpoint *e = &all[which].listen[i];
	cfg_t *section = cfg_getnsec(tree_root(r->tree), "listener", which);

	for (unsigned l = 0; l <= which; l++)
		for (unsigned k = 0; k < (l == which ? i : all[l].n_listen);
		    k++)
			if (is_same(e, &all[l].listen[k]))
				report_error(r->report, place_of(r,
				    tree_option(section, "listen")),
				    "listen \"%s:%d\": listener \"%s\" has "
				    "this address already", e->host, e->port,
				    all[l].name);
}

static void
read_listeners(struct reader *r)
{
	cfg_t *root = tree_root(r->tree);
	struct settings *s = r->settings;
	struct options *o = calloc(1, sizeof(*o));

	for (unsigned i = 0; o && i < s->n_listeners; i++) {
		cfg_t *section = cfg_getnsec(root, "listener", i);

		if (read_listener(r, section, o))
			take_listener(r, &s->listeners[i], section, o);
	}
	if (o == NULL)
		report_error(r->report, place_of(r, root), "out of memory");
	for (unsigned i = 0; i < s->n_listeners; i++)
		for (unsigned k = 0; k < s->listeners[i].n_listen; k++)
			check_address(r, i, k);
	free(o);
}

static void
read_globals(struct reader *r)
{
	cfg_t *root = tree_root(r->tree);
	struct settings *s = r->settings;
	struct options o;

	options_default(&o);
	read_section(r, root, OPTION_GLOBAL, &o);
	if (cfg_size(root, "record"))
		read_section(r, cfg_getsec(root, "record"), OPTION_RECORD, &o);
	s->threads = o.threads;
	s->max_sessions = o.max_sessions;
	s->drain_timeout = o.drain_timeout;
	s->on_failure = o.on_failure;
	s->record = o.record ? strdup(o.record) : NULL;
}

/* What a file must have besides being right. */
static void
check_whole(struct reader *r, const char *path)
{
	struct place whole = { path, 0 };

	if (cfg_size(tree_root(r->tree), "listener") == 0)
		report_error(r->report, whole, "a listener is missing: "
		    "listener \"NAME\" { listen = {\"ADDR:PORT\"}  upstream "
		    "= \"HOST:PORT\" }");
	if (r->settings->record == NULL)
		report_error(r->report, whole, "record { file = \"FILE.db\" } "
		    "is missing: say where to keep the sessions, or \"none\"");
}

static void
read_all(struct reader *r, const char *path, const char *host)
{
	struct settings *s = r->settings;
	bool taken;

	read_globals(r);
	taken = settings_take_policies(s, read_policies(r, host));
	read_listeners(r);
	check_whole(r, path);
	if (!taken)
		report_error(r->report, (struct place){ path, 0 },
		    "out of memory");
}

struct settings *
config_read(const char *path, const char *host, struct config_report *report)
{
	struct reader r = { .report = report };

	report->errors[0] = report->notes[0] = '\0';
	r.tree = tree_read(path, report);
	if (r.tree == NULL)
		return NULL;
	r.settings = settings_new(cfg_size(tree_root(r.tree), "listener"));
	if (r.settings)
		read_all(&r, path, host);
	else
		report_error(report, (struct place){ path, 0 },
		    "out of memory");
	tree_free(r.tree);
	if (report->errors[0] == '\0')
		return r.settings;
	settings_free(r.settings);
	return NULL;
}

struct policies *
config_policies(const char *text, const char *host,
    struct config_report *report)
{
	struct reader r = { .report = report };
	struct policies *made = NULL;

	report->errors[0] = report->notes[0] = '\0';
	r.tree = tree_parse(text, "policy", report);
	if (r.tree)
		made = read_policies(&r, host);
	tree_free(r.tree);
	return made;
}
