#include "proxy/criteria.h"

#include <stdio.h>
#include <string.h>

#include "proxy/action.h"

#define NAME_OCTETS 80		/* of "match SUBJECT", or of a name given */

/* What compares with what. */
static const char *const operand_keys[] = {
	[POLICY_NUMBER] = "gt", [POLICY_WORDS] = "is",
	[POLICY_REGEX] = "regex", [POLICY_VERBS] = "verbs",
	[POLICY_EVENTS] = "names",
};

/* "others" is none of these. ASA's own list has binaryname, too, which is
 * BINARYMIME; where CHUNKING goes that must go along (RFC 3030 3). */
static const struct span asa_keywords[] = {
	{ "8BITMIME", 8 }, { "AUTH", 4 }, { "CHECKPOINT", 10 }, { "DSN", 3 },
	{ "ETRN", 4 }, { "PIPELINING", 10 }, { "SIZE", 4 }, { "VRFY", 4 },
};
/* RFC 2045 6.1 */
static const struct span encodings[] = {
	{ "7bit", 4 }, { "8bit", 4 }, { "binary", 6 },
	{ "quoted-printable", 16 }, { "base64", 6 },
};

static enum policy_subject
subject_of(cfg_t *match)
{
	return policy_subject(span_of(tree_title(match)));
}

static void
name_of(cfg_t *match, char name[NAME_OCTETS])
{
	cfg_opt_t *given = tree_option(match, "name");

	(void)snprintf(name, NAME_OCTETS, "%s%s", given ? "" : "match ",
	    given ? cfg_opt_getstr(given) :
	    policy_subject_name(subject_of(match)));
}

/* others and the words, as the rest of the list, which must not hold. */
static struct policy_words
without(struct draft *d, struct policy_words words, const struct span *list,
    size_t n)
{
	struct policy_words rest = { NULL, 0 };

	for (size_t i = 0; i < n; i++)
		if (!policy_has_word(words, list[i]))
			rest = draft_join(d, rest, list[i].p);
	return rest;
}

static void
take_words(struct draft *d, struct policy_rule *rule, cfg_opt_t *is)
{
	struct policy_words words = draft_words(d, is);
	bool others = policy_has_word(words, SPAN("others"));

	rule->words = words;
	if (rule->subject == POLICY_EHLO_KEYWORD) {
		if (policy_has_word(words, SPAN("binaryname")))
			words = draft_join(d, words, "BINARYMIME");
		rule->words = others ? without(d, words, asa_keywords,
		    sizeof(asa_keywords) / sizeof(*asa_keywords)) : words;
	} else if (rule->subject == POLICY_MIME_ENCODING && others)
		rule->words = without(d, words, encodings,
		    sizeof(encodings) / sizeof(*encodings));
	else
		others = false;
	rule->unless ^= others;
}

static void
take_operands(struct draft *d, struct policy_rule *rule, cfg_t *match)
{
	cfg_opt_t *gt = tree_option(match, "gt"),
	    *is = tree_option(match, "is"),
	    *verbs = tree_option(match, "verbs"),
	    *names = tree_option(match, "names"),
	    *unless = tree_option(match, "not");

	rule->unless = unless && term_is_yes(cfg_opt_getstr(unless));
	if (gt)
		rule->above = term_as_octets(cfg_opt_getstr(gt));
	if (is)
		take_words(d, rule, is);
	if (verbs)
		draft_verbs(d, rule, draft_words(d, verbs));
	for (unsigned i = 0; names && i < cfg_opt_size(names); i++)
		rule->anomalies |= term_as_event(cfg_opt_getnstr(names, i));
	rule->regex = draft_regex(d, tree_option(match, "regex"));
}

static void
take_action(struct draft *d, struct policy_rule *rule, const char *text)
{
	const char *subject = policy_subject_name(rule->subject);
	char reason[NAME_OCTETS], line[POLICY_REPLY_MAX];
	struct action a;

	(void)action_parse(text, &a);
	rule->action = a.what;
	rule->rate = a.rate;
	rule->burst = a.burst;
	if (a.what == POLICY_RATE)
		rule->rate_key = ++*d->rate_keys;
	if (a.tag)
		rule->tag = draft_copy(d, a.tag).p;
	if (policy_operand(rule->subject) == POLICY_NUMBER && !rule->unless)
		(void)snprintf(reason, sizeof(reason), "%s over %llu", subject,
		    (unsigned long long)rule->above);
	else
		(void)snprintf(reason, sizeof(reason), "%s", subject);
	if (a.what == POLICY_REJECT || a.what == POLICY_DROP ||
	    a.what == POLICY_RATE)
		rule->reply = arena_copy(d->memory, (struct span){ line,
		    action_reply(&a, d->policy->host, reason, line) });
}

/* What compares is given, and nothing else that would. */
static bool
check_operands(struct draft *d, cfg_t *match, enum policy_subject subject)
{
	const char *wanted = operand_keys[policy_operand(subject)];

	for (enum policy_operand o = POLICY_NUMBER; o <= POLICY_EVENTS; o++) {
		const char *key = operand_keys[o];
		cfg_opt_t *given = tree_option(match, key);

		if (given == NULL && key == wanted) {
			draft_error(d, match, "match \"%s\": %s is missing",
			    tree_title(match), key);
			return false;
		}
		if (given == NULL || key == wanted || (o == POLICY_VERBS &&
		    (subject == POLICY_COMMAND_LENGTH ||
		    subject == POLICY_EVENT)))
			continue;
		draft_error(d, given, "%s: match \"%s\" does not compare with "
		    "it; %s is accepted", key, tree_title(match),
		    wanted ? wanted : "action");
		return false;
	}
	return true;
}

/* Every subject there is, for who has named another. */
static void
refuse_subject(struct draft *d, cfg_t *match)
{
	char names[800];
	size_t n = 0;

	for (int i = 0; i < POLICY_SUBJECTS; i++) {
		const char *name = policy_subject_name((enum policy_subject)i);

		if (n + strlen(name) + 3 < sizeof(names))
			n += (size_t)sprintf(names + n, "%s%s", n ? ", " : "",
			    name);
	}
	draft_error(d, match, "match \"%s\": accepted are %s",
	    tree_title(match), names);
}

static void
add_match(struct draft *d, cfg_t *match)
{
	enum policy_subject subject = subject_of(match);
	cfg_opt_t *action = tree_option(match, "action");
	char name[NAME_OCTETS];
	struct policy_rule *rule;
	struct policy alone;
	const char *why;

	if (subject == POLICY_SUBJECTS) {
		refuse_subject(d, match);
		return;
	}
	if (action == NULL)
		draft_error(d, match, "match \"%s\": action is missing",
		    tree_title(match));
	if (!check_operands(d, match, subject) || action == NULL)
		return;
	name_of(match, name);
	rule = draft_rule(d, draft_copy(d, name).p, subject, POLICY_TELL);
	take_operands(d, rule, match);
	take_action(d, rule, cfg_opt_getstr(action));
	alone = (struct policy){ .host = d->policy->host, .rules = rule,
	    .n_rules = 1 };
	if ((why = policy_check(&alone)) != NULL)
		draft_error(d, action, "action \"%.100s\": match \"%s\": %s",
		    cfg_opt_getstr(action), tree_title(match), why);
}

static bool
is_replaced(const struct draft *d, cfg_t *of_profile)
{
	char name[NAME_OCTETS], other[NAME_OCTETS];

	if (tree_option(of_profile, "name") == NULL &&
	    policy_operand(subject_of(of_profile)) != POLICY_NUMBER)
		return false;
	name_of(of_profile, name);
	for (unsigned i = 0; i < cfg_size(d->own.section, "match"); i++) {
		cfg_t *match = cfg_getnsec(d->own.section, "match", i);

		if (subject_of(match) == POLICY_SUBJECTS)
			continue;
		name_of(match, other);
		if (strcmp(name, other) == 0)
			return true;
	}
	return false;
}

void
criteria_add(struct draft *d)
{
	cfg_t *own = d->own.section, *profile = d->profile.section;

	for (unsigned i = 0; i < cfg_size(own, "match"); i++)
		add_match(d, cfg_getnsec(own, "match", i));
	for (unsigned i = 0; profile && i < cfg_size(profile, "match"); i++)
		if (!is_replaced(d, cfg_getnsec(profile, "match", i)))
			add_match(d, cfg_getnsec(profile, "match", i));
}
