#include "proxy/rules.h"

#include <string.h>

#include "proxy/criteria.h"

#define AUTH_LINE_MAX	12288	/* octets: RFC 4954 4 */
#define NOT_IMPLEMENTED	"502 5.5.1 Command not implemented"

static const struct {
	const char *option;
	unsigned tiles;
	uint64_t anomalies;
	enum policy_action action;
	bool strike;
	const char *reply;
} refusals[] = {
#define REFUSAL(option, tiles, anomalies, action, strike, reply, section) \
	{ #option, tiles, anomalies, POLICY_##action, strike, reply },
#include "inspect/refusals.def"
#undef REFUSAL
};

static const struct {
	const char *option;
	enum policy_subject subject;
	enum policy_action action;
	const char *reply;
} bounds[] = {
	{ "max-command-line", POLICY_COMMAND_LENGTH, POLICY_DROP,
	    "500 5.5.2 line too long" },		/* RFC 5321 4.3.2 */
	{ "max-reply-line", POLICY_REPLY_LENGTH, POLICY_DROP,
	    "421 4.3.0 upstream reply too long" },
	{ "max-reply-lines", POLICY_REPLY_LINES, POLICY_DROP,
	    "421 4.3.0 upstream reply too long" },
	{ "max-bdat", POLICY_CHUNK_SIZE, POLICY_DROP,
	    "552 5.3.4 chunk too large" },
	{ "max-message", POLICY_MESSAGE_SIZE, POLICY_REJECT,
	    "552 5.3.4 message too large" },		/* RFC 1870 6 */
};

static const struct {
	const char *keyword, *verb;
	bool base;
} extensions[] = {
#define EXTENSION(keyword, verb, base, section) { keyword, verb, base },
#include "proxy/extensions.def"
#undef EXTENSION
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The key of options.def that a symbol with _ stands for. */
static const char *
key_of(const char *symbol)
{
	for (unsigned i = 0; i < option_rows_n; i++) {
		const char *key = option_rows[i].key, *s = symbol;

		if (option_rows[i].place != OPTION_POLICY)
			continue;
		while (*s && (*s == *key || (*s == '_' && *key == '-')))
			s++, key++;
		if (*s == '\0' && *key == '\0')
			return option_rows[i].key;
	}
	return NULL;
}

/* Those that a session goes on behind, or those that it does not. */
static void
add_refusals(struct draft *d, bool goes_on)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		const char *key = key_of(refusals[i].option);
		struct policy_rule *rule;

		if (!draft_is(d, key, "reject") ||
		    (refusals[i].action == POLICY_REJECT) != goes_on)
			continue;
		rule = draft_rule(d, key, POLICY_EVENT, refusals[i].action);
		rule->tiles = refusals[i].tiles;
		rule->anomalies = refusals[i].anomalies;
		rule->strike = refusals[i].strike;
		if (refusals[i].reply[0])
			draft_reply(d, rule, refusals[i].reply);
	}
}

static struct policy_rule *
add_bound(struct draft *d, size_t i, uint64_t above)
{
	bool refuses = draft_is(d, "bounds", "reject");
	struct policy_rule *rule = draft_rule(d, bounds[i].option,
	    bounds[i].subject, refuses ? bounds[i].action : POLICY_TELL);

	rule->above = above;
	if (refuses)
		draft_reply(d, rule, bounds[i].reply);
	return rule;
}

static void
add_bounds(struct draft *d)
{
	uint64_t auth = term_as_verbs("AUTH") | term_as_verbs("X-EXPS");

	for (size_t i = 0; i < COUNT(bounds); i++) {
		cfg_opt_t *option = draft_option(d, bounds[i].option);
		uint64_t above;

		if (option == NULL)
			continue;
		above = term_as_octets(cfg_opt_getstr(option));
		if (bounds[i].subject == POLICY_COMMAND_LENGTH &&
		    above < AUTH_LINE_MAX) {
			add_bound(d, i, AUTH_LINE_MAX);
			add_bound(d, i, above)->verbs = ~auth;
		} else
			add_bound(d, i, above);
	}
}

static void
add_block(struct draft *d)
{
	cfg_opt_t *block = draft_option(d, "block");
	struct policy_rule *rule;

	if (block == NULL)
		return;
	rule = draft_rule(d, "block", POLICY_COMMAND_VERB, POLICY_REJECT);
	draft_verbs(d, rule, draft_words(d, block));
	draft_reply(d, rule, NOT_IMPLEMENTED);
}

static void
add_keywords(struct draft *d, const char *key, bool unless,
    enum policy_action action)
{
	cfg_opt_t *option = draft_option(d, key);
	struct policy_rule *rule;

	if (option == NULL)
		return;
	rule = draft_rule(d, key, POLICY_EHLO_KEYWORD, action);
	rule->unless = unless;
	rule->words = draft_words(d, option);
}

/* The rule that takes this keyword out of the reply to EHLO, or masks it. */
static const struct policy_rule *
hidden_by(const struct draft *d, const char *keyword)
{
	for (size_t i = 0; i < d->n_rules; i++) {
		const struct policy_rule *r = &d->rules[i];

		if (r->subject != POLICY_EHLO_KEYWORD ||
		    r->action == POLICY_TELL || r->action == POLICY_TAG ||
		    policy_has_word(r->words, span_of(keyword)) == r->unless)
			continue;
		return r->action == POLICY_STRIP || r->action == POLICY_MASK ?
		    r : NULL;
	}
	return NULL;
}

/* Binary mail cannot be sent but in chunks: RFC 3030 3. */
static void
add_binarymime(struct draft *d)
{
	const struct policy_rule *by = hidden_by(d, "CHUNKING");
	struct policy_rule *rule;

	if (by == NULL || hidden_by(d, "BINARYMIME"))
		return;
	rule = draft_rule(d, by->name, POLICY_EHLO_KEYWORD, by->action);
	rule->words = draft_join(d, rule->words, "BINARYMIME");
	draft_note(d, d->own.section, "policy \"%s\": %s takes BINARYMIME "
	    "along with CHUNKING", d->policy->name, by->name);
}

/* Who does not see the keyword shall not use the command. */
static void
add_block_stripped(struct draft *d)
{
	struct span verbs[COUNT(extensions)];
	struct policy_rule *rule;
	size_t n = 0;

	for (size_t i = 0; i < COUNT(extensions); i++) {
		const struct policy_rule *by = hidden_by(d,
		    extensions[i].keyword);

		if (by && !(extensions[i].base && by->unless))
			verbs[n++] = span_of(extensions[i].verb);
	}
	if (n == 0)
		return;
	rule = draft_rule(d, "block-stripped", POLICY_COMMAND_VERB,
	    POLICY_REJECT);
	draft_verbs(d, rule, (struct policy_words){ verbs, n });
	draft_reply(d, rule, NOT_IMPLEMENTED);
}

static void
add_mechanisms(struct draft *d)
{
	struct policy_rule *rule;

	if (!d->policy->filters_auth)
		return;
	rule = draft_rule(d, "auth-allow", POLICY_AUTH_MECHANISM,
	    POLICY_REJECT);
	rule->unless = true;
	rule->words = d->policy->auth_allow;
	draft_reply(d, rule, "504 5.5.4 Unrecognized authentication type");
}

void
rules_make(struct draft *d)
{
	add_refusals(d, false);
	criteria_add(d);
	add_refusals(d, true);
	add_bounds(d);
	add_block(d);
	add_keywords(d, "ehlo-strip", false, POLICY_STRIP);
	add_keywords(d, "ehlo-keep", true, POLICY_STRIP);
	add_keywords(d, "ehlo-mask", false, POLICY_MASK);
	add_binarymime(d);
	if (draft_is(d, "block-stripped", "yes")) {
		add_block_stripped(d);
		add_mechanisms(d);
	}
}
