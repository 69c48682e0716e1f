#include "proxy/policies.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/draft.h"
#include "proxy/profile.h"
#include "proxy/rules.h"

#define PROFILES_MAX	16
#define DEPTH_MAX	16	/* policies that take each other's place */
#define UNNAMED_HOST	"mail.invalid"	/* RFC 2606: never anybody's */

struct made {
	struct made *next;
	bool failed;
	struct policy policy;
};

struct policies {
	struct arena memory;
	struct draft_regex *regexes;
	struct made *first;
	unsigned n;
	unsigned long rate_keys;
};

/* Policies in the making. */
struct maker {
	struct policies *made;
	const struct tree *tree;
	struct tree *profiles[PROFILES_MAX];	/* read as they are needed */
	const char *host;
	struct config_report *report;
	const char *under_way[DEPTH_MAX];
	unsigned depth;
};

static cfg_t *
section_named(const struct tree *t, const char *name)
{
	cfg_t *root = tree_root(t);

	for (unsigned i = 0; i < cfg_size(root, "policy"); i++) {
		cfg_t *section = cfg_getnsec(root, "policy", i);

		if (strcmp(cfg_title(section), name) == 0)
			return section;
	}
	return NULL;
}

/* The text of a built-in policy. section NULL: there is none of this name. */
static struct excerpt
profile_named(struct maker *m, const char *name)
{
	struct excerpt e = { NULL, NULL };

	for (unsigned i = 0; i < PROFILES_MAX && profile_name(i); i++) {
		if (strcmp(profile_name(i), name) != 0)
			continue;
		if (m->profiles[i] == NULL)
			m->profiles[i] = tree_parse(profile_text(name), name,
			    m->report);
		e.tree = m->profiles[i];
		e.section = e.tree ? section_named(e.tree, name) : NULL;
	}
	return e;
}

static void
make_host(struct draft *d, const char *host)
{
	struct policy *p = d->policy;
	cfg_opt_t *given = draft_option(d, "banner-host");

	p->renames = given || p->scrub_hosts;
	if (given == NULL && p->scrub_hosts)
		draft_note(d, d->own.section, "policy \"%s\": without "
		    "banner-host, scrub-hosts names this service " UNNAMED_HOST,
		    p->name);
	p->host = draft_copy(d, given ? cfg_opt_getstr(given) :
	    p->scrub_hosts ? UNNAMED_HOST : host);
}

static void
make_banner(struct draft *d)
{
	const char *banner = draft_value(d, "banner");
	struct policy *p = d->policy;

	if (strcmp(banner, "keep") == 0)
		p->banner = POLICY_BANNER_KEEP;
	else if (strcmp(banner, "mask") == 0)
		p->banner = POLICY_BANNER_MASK;
	else if (strcmp(banner, "mask-asa") == 0)
		p->banner = POLICY_BANNER_ASA;
	else {
		p->banner = POLICY_BANNER_TEXT;
		p->banner_text = draft_copy(d, banner);
	}
}

static void
make_newline(struct draft *d)
{
	struct policy *p = d->policy;

	if (draft_is(d, "bare-newline", "normalize"))
		p->newline = POLICY_NEWLINE_NORMALIZE;
	if (draft_is(d, "bare-newline", "reject"))
		p->newline = POLICY_NEWLINE_REJECT;
	p->newline_reply = SPAN("550 5.6.11 bare CR/LF not accepted\r\n");
}

static void
make_edits(struct draft *d, const char *host)
{
	struct policy *p = d->policy;
	cfg_opt_t *limit = draft_option(d, "ehlo-size-limit"),
	    *allow = draft_option(d, "auth-allow");

	p->scrub_hosts = draft_is(d, "scrub-hosts", "yes");
	p->scrub_text = draft_is(d, "scrub-text", "yes");
	p->scrub_queue_ids = draft_is(d, "scrub-queue-ids", "yes");
	p->guards_tls = draft_is(d, "unauth-pipelining", "reject") ||
	    draft_is(d, "unsolicited-reply", "reject");
	p->dry_run = draft_is(d, "dry-run", "yes");
	p->ehlo_add = draft_words(d, draft_option(d, "ehlo-add"));
	p->size_limit = limit ? term_as_octets(cfg_opt_getstr(limit)) : 0;
	p->filters_auth = allow != NULL;
	p->auth_allow = draft_words(d, allow);
	p->match = regex_matches;
	make_host(d, host);
	make_banner(d);
	make_newline(d);
}

static const struct policy *make(struct maker *, const char *name,
    struct place asked);	/* policies name each other in their whens */

static void
make_when(struct maker *m, struct draft *d, const struct tree *t, cfg_t *text,
    struct policy_when *when)
{
	cfg_opt_t *client = tree_option(text, "client"),
	    *helo = tree_option(text, "helo"),
	    *sender = tree_option(text, "sender"),
	    *recipient = tree_option(text, "recipient"),
	    *then = tree_option(text, "policy");
	size_t n = client ? cfg_opt_size(client) : 0;
	struct policy_network *nets = arena_take(d->memory, n * sizeof(*nets));
	struct place at;

	if (then == NULL)
		draft_error(d, text, "when: policy is missing");
	if (!client && !helo && !sender && !recipient)
		draft_error(d, text, "when: a condition is missing: client, "
		    "helo, sender or recipient");
	for (unsigned i = 0; nets && i < n; i++)
		nets[i] = term_as_network(cfg_opt_getnstr(client, i));
	when->clients = nets;
	when->n_clients = n;
	when->helo = draft_words(d, helo);
	when->sender = draft_regex(d, sender);
	when->recipient = draft_regex(d, recipient);
	if (then && tree_place(t, then, &at))
		when->then = make(m, cfg_opt_getstr(then), at);
	d->failed |= when->then == NULL;
}

static void
make_whens(struct maker *m, struct draft *d)
{
	cfg_t *own = d->own.section, *profile = d->profile.section;
	unsigned mine = cfg_size(own, "when"), all = mine +
	    (profile ? cfg_size(profile, "when") : 0);
	struct policy_when *whens = arena_take(d->memory,
	    all * sizeof(*whens));

	for (unsigned i = 0; whens && i < mine; i++)
		make_when(m, d, d->own.tree, cfg_getnsec(own, "when", i),
		    &whens[i]);
	for (unsigned i = mine; whens && i < all; i++)
		make_when(m, d, d->profile.tree, cfg_getnsec(profile, "when",
		    i - mine), &whens[i]);
	d->policy->whens = whens;
	d->policy->n_whens = whens ? all : 0;
}

/* Check and seal what is complete. */
static void
finish(struct draft *d)
{
	size_t n = d->n_rules * sizeof(*d->rules);
	struct policy_rule *rules = arena_take(d->memory, n);
	struct policy *p = d->policy;
	const char *why;

	if (rules)
		memcpy(rules, d->rules, n);
	p->rules = rules;
	p->n_rules = rules ? d->n_rules : 0;
	if (d->memory->failed)
		draft_error(d, d->own.section, "out of memory");
	else if ((why = policy_check(p)) != NULL)
		draft_error(d, d->own.section, "policy \"%s\": %s", p->name,
		    why);
	if (!d->failed)
		policy_seal(p);
}

static const struct policy *
make_from(struct maker *m, const char *name, struct excerpt own)
{
	struct made *made = arena_take(&m->made->memory, sizeof(*made));
	struct draft *d = calloc(1, sizeof(*d));
	cfg_opt_t *profile = tree_option(own.section, "profile");

	if (made == NULL || d == NULL) {
		report_error(m->report, (struct place){ name, 0 },
		    "out of memory");
		free(d);
		return NULL;
	}
	*d = (struct draft){ .memory = &m->made->memory,
	    .regexes = &m->made->regexes, .report = m->report, .own = own,
	    .policy = &made->policy, .rate_keys = &m->made->rate_keys };
	if (profile)
		d->profile = profile_named(m, cfg_opt_getstr(profile));
	made->policy.name = draft_copy(d, name).p;
	make_edits(d, m->host);
	rules_make(d);
	make_whens(m, d);
	finish(d);
	made->failed = d->failed;
	made->next = m->made->first;
	m->made->first = made;
	m->made->n++;
	free(d);
	return made->failed ? NULL : &made->policy;
}

static struct made *
find(const struct policies *made, const char *name)
{
	struct made *p = made->first;

	while (p && strcmp(p->policy.name, name) != 0)
		p = p->next;
	return p;
}

/* asked: where the name is said. NULL: errors were reported. */
static const struct policy *
make(struct maker *m, const char *name, struct place asked)
{
	const struct made *before = find(m->made, name);
	struct excerpt own = { m->tree, section_named(m->tree, name) };
	const struct policy *p;

	if (before)
		return before->failed ? NULL : &before->policy;
	for (unsigned i = 0; i < m->depth; i++)
		if (strcmp(m->under_way[i], name) == 0 ||
		    m->depth == DEPTH_MAX) {
			report_error(m->report, asked, "policy %s: policies "
			    "take each other's place in a circle", name);
			return NULL;
		}
	if (own.section == NULL)
		own = profile_named(m, name);
	if (own.section == NULL) {
		report_error(m->report, asked, "policy %s: the name of a "
		    "policy section or of a built-in profile is accepted",
		    name);
		return NULL;
	}
	m->under_way[m->depth++] = name;
	p = make_from(m, name, own);
	m->depth--;
	return p;
}

static void
make_all(struct maker *m)
{
	cfg_t *root = tree_root(m->tree);
	struct place at = { "", 0 };

	for (unsigned i = 0; i < cfg_size(root, "policy"); i++)
		(void)make(m, cfg_title(cfg_getnsec(root, "policy", i)), at);
	for (unsigned i = 0; i < cfg_size(root, "listener"); i++) {
		cfg_t *listener = cfg_getnsec(root, "listener", i);
		cfg_opt_t *asks = tree_option(listener, "policy");

		if (asks && tree_place(m->tree, asks, &at))
			(void)make(m, cfg_opt_getstr(asks), at);
		else if (tree_option(listener, "tls") ||
		    tree_option(listener, "implicit-tls"))
			(void)make(m, "none", at);	/* to add that to */
	}
}

struct policies *
policies_make(const struct tree *tree, const char *host,
    struct config_report *report)
{
	struct maker m = { .made = calloc(1, sizeof(*m.made)), .tree = tree,
	    .host = host, .report = report };

	if (m.made == NULL) {
		report_error(report, (struct place){ "policy", 0 },
		    "out of memory");
		return NULL;
	}
	make_all(&m);
	for (unsigned i = 0; i < PROFILES_MAX; i++)
		tree_free(m.profiles[i]);
	if (report->errors[0] == '\0')
		return m.made;
	policies_free(m.made);
	return NULL;
}

const struct policy *
policies_find(const struct policies *made, const char *name)
{
	const struct made *p = find(made, name);

	return p ? &p->policy : NULL;
}

unsigned
policies_count(const struct policies *made)
{
	return made->n;
}

bool
policies_limit_rates(const struct policies *made)
{
	return made->rate_keys != 0;
}

void
policies_free(struct policies *made)
{
	if (made == NULL)
		return;
	for (struct draft_regex *r = made->regexes; r; r = r->next)
		regex_free(r->regex);
	arena_free(&made->memory);
	free(made);
}
