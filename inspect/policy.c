#include "inspect/policy.h"

#include "inspect/mime.h"

static const struct {
	const char *name, *alias;
	enum policy_operand operand;
} subjects[POLICY_SUBJECTS] = {
#define SUBJECT(symbol, name, alias, operand, section) \
	[POLICY_##symbol] = { name, alias, POLICY_##operand },
#include "inspect/subjects.def"
#undef SUBJECT
};

static const char *const actions[POLICY_ACTIONS] = {
	[POLICY_TELL] = "event",
	[POLICY_TAG] = "tag",
	[POLICY_MASK] = "mask",
	[POLICY_STRIP] = "strip",
	[POLICY_REJECT] = "reject",
	[POLICY_DROP] = "drop",
	[POLICY_RESET] = "reset",
	[POLICY_RATE] = "rate-limit",
	[POLICY_REWRITE] = "rewrite",
};

/* Subjects that are read out of mail content, not out of commands and replies. */
static bool
is_of_content(enum policy_subject subject)
{
	switch (subject) {
	case POLICY_HEADER_LENGTH:
	case POLICY_HEADER_LINE_LENGTH:
	case POLICY_HEADER_TO_COUNT:
	case POLICY_BODY_LENGTH:
	case POLICY_BODY_LINE_LENGTH:
	case POLICY_MIME_ENCODING:
	case POLICY_MIME_FILENAME_LENGTH:
	case POLICY_MIME_FILETYPE:
		return true;
	default:
		return false;
	}
}

/* Subjects that are read out of the server's replies. */
static bool
is_of_replies(const struct policy_rule *r)
{
	switch (r->subject) {
	case POLICY_EHLO_KEYWORD:
	case POLICY_REPLY_LENGTH:
	case POLICY_REPLY_LINES:
	case POLICY_INVALID_RECIPIENTS:
		return true;
	case POLICY_EVENT:
		return r->tiles == 0 || r->tiles & 1u << SMTP_REPLY;
	default:
		return false;
	}
}

static char
folded(char c)
{
	return c == '-' ? ' ' : (char)span_lower(c);
}

static bool
is_called(struct span name, const char *word)
{
	struct span other = span_of(word);

	if (name.n != other.n || name.n == 0)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (folded(name.p[i]) != folded(other.p[i]))
			return false;
	return true;
}

const char *
policy_action_name(enum policy_action action)
{
	return actions[action];
}

enum policy_subject
policy_subject(struct span name)
{
	int i = 0;

	while (i < POLICY_SUBJECTS && !is_called(name, subjects[i].name) &&
	    !is_called(name, subjects[i].alias))
		i++;
	return (enum policy_subject)i;
}

const char *
policy_subject_name(enum policy_subject subject)
{
	return subjects[subject].name;
}

enum policy_operand
policy_operand(enum policy_subject subject)
{
	return subjects[subject].operand;
}

bool
policy_in_network(const struct policy_network *net,
    const unsigned char address[16])
{
	unsigned whole = net->bits / 8, bits = net->bits % 8;

	if (memcmp(net->address, address, whole) != 0)
		return false;
	return bits == 0 ||
	    (net->address[whole] ^ address[whole]) >> (8 - bits) == 0;
}

bool
policy_has_word(struct policy_words words, struct span word)
{
	for (size_t i = 0; i < words.n; i++)
		if (words.list[i].n == word.n &&
		    span_alike(word.p, words.list[i].p, word.n))
			return true;
	return false;
}

static bool
has_reply(const struct policy_rule *r)
{
	return r->action == POLICY_REJECT || r->action == POLICY_DROP ||
	    r->action == POLICY_RATE;
}

/* What cannot be done to what. */
static const char *
check_rule(const struct policy_rule *r)
{
	bool keyword = r->subject == POLICY_EHLO_KEYWORD;
	bool refuses = has_reply(r);
	bool silent = r->subject == POLICY_EVENT &&
	    r->tiles == 1u << SMTP_COMMAND;

	if (r->action == POLICY_STRIP && !keyword && !silent)
		return "only an EHLO keyword, or a command for an event of its "
		    "own, can be stripped";
	if (r->action == POLICY_MASK && !keyword &&
	    r->subject != POLICY_COMMAND_VERB)
		return "only an EHLO keyword or a command verb can be masked";
	if (keyword && r->action == POLICY_REJECT)
		return "an EHLO keyword can be told, stripped or masked, or end "
		    "the session; there is nothing to reject";
	if (r->unless && is_of_content(r->subject) &&
	    subjects[r->subject].operand == POLICY_NUMBER)
		return "what content measures is known only when it is over: "
		    "it can be more than something, not less";
	if (r->action == POLICY_RATE &&
	    (is_of_content(r->subject) || is_of_replies(r)))
		return "a rate can be limited of commands only";
	if (refuses && (r->reply.n < 6 || r->reply.n > POLICY_REPLY_MAX ||
	    (r->reply.p[0] != '4' && r->reply.p[0] != '5')))
		return "a refusal needs a reply 4yz or 5yz";
	return NULL;
}

/* Octets of lines that are added, as they go out. */
static size_t
added(struct policy_words lines)
{
	size_t octets = 0;

	for (size_t i = 0; i < lines.n; i++)
		octets += lines.list[i].n + sizeof "250 \r\n" - 1;
	return octets;
}

const char *
policy_check(const struct policy *p)
{
	const char *why = NULL;

	if (p->n_rules > POLICY_RULES_MAX)
		return "256 rules are enough for anybody";
	if (p->ehlo_add.n > POLICY_ADD_MAX || p->n_whens > POLICY_WHENS_MAX)
		return "at most 64 lines can be added, and 64 whens given";
	if (added(p->ehlo_add) > POLICY_ADD_OCTETS)
		return "the lines that ehlo-add adds are over 2 KiB in all";
	if (p->host.n == 0)
		return "it needs a name to go by";
	if (p->banner == POLICY_BANNER_TEXT && p->banner_text.n == 0)
		return "a greeting needs a text";
	for (size_t i = 0; i < p->n_rules && why == NULL; i++)
		why = check_rule(&p->rules[i]);
	return why;
}

static bool
only_tells(const struct policy_rule *r)
{
	return r->action == POLICY_TELL || r->action == POLICY_TAG;
}

static void
seal_rule(struct policy *p, const struct policy_rule *r)
{
	p->reads_content |= is_of_content(r->subject) ||
	    (r->subject == POLICY_EVENT && r->anomalies & MIME_ODD);
	if (r->subject == POLICY_EHLO_KEYWORD && r->action == POLICY_STRIP)
		p->edits_ehlo = true;
	if (only_tells(r))
		return;
	/* A reply of ours must not come in the middle of a line. */
	p->holds[SMTP_SERVER] |= is_of_replies(r) || has_reply(r);
	p->holds[SMTP_CLIENT] |= !is_of_replies(r) ||
	    (r->subject == POLICY_EVENT && r->tiles != 1u << SMTP_REPLY);
}

static bool
edits_replies(const struct policy *p)
{
	return p->banner != POLICY_BANNER_KEEP || p->scrub_hosts ||
	    p->scrub_text || p->scrub_queue_ids || p->ehlo_add.n ||
	    p->size_limit || p->filters_auth;
}

void
policy_seal(struct policy *p)
{
	p->holds[SMTP_CLIENT] = p->newline != POLICY_NEWLINE_PASS ||
	    p->guards_tls;
	p->holds[SMTP_SERVER] = edits_replies(p) || p->guards_tls ||
	    p->newline == POLICY_NEWLINE_REJECT;
	p->reads_content = false;
	p->knows_addresses = p->scrub_hosts;
	p->edits_ehlo = p->filters_auth || p->ehlo_add.n ||
	    p->tls != POLICY_TLS_PASS;
	for (size_t i = 0; i < p->n_rules; i++)
		seal_rule(p, &p->rules[i]);
	if (p->dry_run)
		p->holds[SMTP_CLIENT] = p->holds[SMTP_SERVER] = false;
	if (p->tls != POLICY_TLS_PASS)
		p->holds[SMTP_CLIENT] = p->holds[SMTP_SERVER] = true;
	for (size_t i = 0; i < p->n_whens; i++) {
		p->holds[SMTP_CLIENT] |= p->whens[i].then->holds[SMTP_CLIENT];
		p->holds[SMTP_SERVER] |= p->whens[i].then->holds[SMTP_SERVER];
		p->reads_content |= p->whens[i].then->reads_content;
		p->knows_addresses |= p->whens[i].then->knows_addresses;
	}
}

bool
policy_is_empty(const struct policy *p)
{
	return p->n_rules == 0 && p->tls == POLICY_TLS_PASS &&
	    !edits_replies(p) && !p->guards_tls &&
	    p->newline == POLICY_NEWLINE_PASS && p->n_whens == 0;
}
