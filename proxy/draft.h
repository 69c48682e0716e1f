/* draft: a policy while it is made of the text of its section.
 *
 * What the section does not say its profile says, and what that does not say
 * has the default of options.def. Values are known to be well-formed: config.c
 * has looked at each. One thread. */
#ifndef PROXY_DRAFT_H
#define PROXY_DRAFT_H

#include "inspect/policy.h"
#include "proxy/arena.h"
#include "proxy/regex.h"
#include "proxy/tree.h"

/* A text and the section of it that is meant; section NULL: there is none. */
struct excerpt {
	const struct tree *tree;
	cfg_t *section;
};

/* All regular expressions of a configuration, to be freed with it. */
struct draft_regex {
	struct draft_regex *next;
	struct regex *regex;
};

struct draft {
	struct arena *memory;
	struct draft_regex **regexes;
	struct config_report *report;
	struct excerpt own, profile;
	struct policy *policy;
	struct policy_rule rules[POLICY_RULES_MAX];
	size_t n_rules;
	unsigned long *rate_keys;	/* the next one that is free */
	bool failed;			/* an error was reported */
};

/* Report, at the place of an option or section of either text. */
void draft_error(struct draft *, const void *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void draft_note(struct draft *, const void *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The option of the policy; NULL: neither text names it. */
cfg_opt_t *draft_option(const struct draft *, const char *key);

/* The value, or the default. */
const char *draft_value(const struct draft *, const char *key);
bool draft_is(const struct draft *, const char *key, const char *value);

/* The values of a list, copied; option may be NULL: none. */
struct policy_words draft_words(struct draft *, cfg_opt_t *option);
struct policy_words draft_join(struct draft *, struct policy_words,
    const char *word);

struct span draft_copy(struct draft *, const char *);

/* Compiled; option may be NULL: NULL. An error is reported. */
const struct regex *draft_regex(struct draft *, cfg_opt_t *option);

/* A new rule, behind the others. Never NULL: too many are reported. */
struct policy_rule *draft_rule(struct draft *, const char *name,
    enum policy_subject, enum policy_action);

/* The rule is for these commands: as bits, and as words those not in verbs.def.
 * A NUL stands behind each verb. */
void draft_verbs(struct draft *, struct policy_rule *,
    struct policy_words verbs);

/* The rule's reply: "CODE [X.Y.Z] TEXT". */
void draft_reply(struct draft *, struct policy_rule *, const char *reply);

#endif
