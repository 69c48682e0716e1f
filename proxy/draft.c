#include "proxy/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proxy/action.h"

#define SENTENCE_MAX 900

static struct place
place_of(const struct draft *d, const void *what)
{
	struct place at = { "?", 0 };

	if (!tree_place(d->own.tree, what, &at) && d->profile.section)
		(void)tree_place(d->profile.tree, what, &at);
	return at;
}

void
draft_error(struct draft *d, const void *what, const char *format, ...)
{
	char sentence[SENTENCE_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	report_error(d->report, place_of(d, what), "%s", sentence);
	d->failed = true;
}

void
draft_note(struct draft *d, const void *what, const char *format, ...)
{
	char sentence[SENTENCE_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	report_note(d->report, place_of(d, what), "%s", sentence);
}

cfg_opt_t *
draft_option(const struct draft *d, const char *key)
{
	cfg_opt_t *option = tree_option(d->own.section, key);

	if (option == NULL && d->profile.section)
		option = tree_option(d->profile.section, key);
	return option;
}

const char *
draft_value(const struct draft *d, const char *key)
{
	cfg_opt_t *option = draft_option(d, key);

	return option ? cfg_opt_getstr(option) :
	    option_in(OPTION_POLICY, key)->fallback;
}

bool
draft_is(const struct draft *d, const char *key, const char *value)
{
	return strcmp(draft_value(d, key), value) == 0;
}

struct span
draft_copy(struct draft *d, const char *text)
{
	return arena_copy(d->memory, span_of(text));
}

struct policy_words
draft_words(struct draft *d, cfg_opt_t *option)
{
	size_t n = option ? cfg_opt_size(option) : 0;
	struct span *list = arena_take(d->memory, n * sizeof(*list));

	for (size_t i = 0; list && i < n; i++)
		list[i] = draft_copy(d, cfg_opt_getnstr(option, (unsigned)i));
	return (struct policy_words){ list, list ? n : 0 };
}

struct policy_words
draft_join(struct draft *d, struct policy_words words, const char *word)
{
	struct span *list = arena_take(d->memory,
	    (words.n + 1) * sizeof(*list));

	if (list == NULL)
		return words;
	for (size_t i = 0; i < words.n; i++)
		list[i] = words.list[i];
	list[words.n] = draft_copy(d, word);
	return (struct policy_words){ list, words.n + 1 };
}

const struct regex *
draft_regex(struct draft *d, cfg_opt_t *option)
{
	struct draft_regex *kept = option ? arena_take(d->memory,
	    sizeof(*kept)) : NULL;
	char error[REGEX_ERROR];

	if (kept == NULL)
		return NULL;
	kept->regex = regex_new(cfg_opt_getstr(option), error);
	if (kept->regex == NULL) {
		draft_error(d, option, "%s \"%.200s\": %s", option->name,
		    cfg_opt_getstr(option), error);
		return NULL;
	}
	kept->next = *d->regexes;
	*d->regexes = kept;
	return kept->regex;
}

struct policy_rule *
draft_rule(struct draft *d, const char *name, enum policy_subject subject,
    enum policy_action action)
{
	struct policy_rule *rule;

	if (d->n_rules == POLICY_RULES_MAX) {
		if (!d->failed)
			draft_error(d, d->own.section, "more than %d rules in "
			    "one policy", POLICY_RULES_MAX);
		d->n_rules--;
	}
	rule = &d->rules[d->n_rules++];
	*rule = (struct policy_rule){ .name = name, .subject = subject,
	    .action = action };
	return rule;
}

void
draft_verbs(struct draft *d, struct policy_rule *rule,
    struct policy_words verbs)
{
	struct span *unknown = arena_take(d->memory,
	    verbs.n * sizeof(*unknown));
	size_t n = 0;

	for (size_t i = 0; unknown && i < verbs.n; i++) {
		uint64_t bits = term_as_verbs(verbs.list[i].p);

		rule->verbs |= bits;
		if (bits == 0)
			unknown[n++] = verbs.list[i];
	}
	rule->words = (struct policy_words){ unknown, n };
}

void
draft_reply(struct draft *d, struct policy_rule *rule, const char *reply)
{
	struct action a = { .what = rule->action };
	char line[POLICY_REPLY_MAX];

	action_take_reply(&a, reply);
	rule->reply = arena_copy(d->memory, (struct span){ line,
	    action_reply(&a, d->policy->host, rule->name, line) });
}
