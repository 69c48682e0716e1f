/* Policies out of random octets: every edit and action there is. */
#include "tests/fuzz/duel.h"

#define WORDS(...) { (const struct span[]){ __VA_ARGS__ }, \
	sizeof((const struct span[]){ __VA_ARGS__ }) / sizeof(struct span) }
#define REPLY(text) { text "\r\n", sizeof(text "\r\n") - 1 }
#define W(s) { s, sizeof(s) - 1 }

static bool
contains(const void *word, struct span subject)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= subject.n; i++)
		if (span_alike(subject.p + i, word, n))
			return true;
	return false;
}

/* Those on content all do the same: which of two fires first is a matter of the
 * piece in which both do. */
static const struct policy_rule all[] = {
	{ .name = "block", .subject = POLICY_COMMAND_VERB,
	    .verbs = UINT64_C(1) << SMTP_VRFY | UINT64_C(1) << SMTP_EXPN,
	    .words = WORDS(W("XFOO")), .action = POLICY_REJECT,
	    .reply = REPLY("502 5.5.1 no") },
	{ .name = "block", .subject = POLICY_COMMAND_VERB,
	    .verbs = UINT64_C(1) << SMTP_BDAT, .action = POLICY_REJECT,
	    .reply = REPLY("502 5.5.1 no") },
	{ .name = "block", .subject = POLICY_COMMAND_VERB,
	    .verbs = UINT64_C(1) << SMTP_DATA | UINT64_C(1) << SMTP_AUTH,
	    .action = POLICY_REJECT, .reply = REPLY("502 5.5.1 no") },
	{ .name = "mask", .subject = POLICY_COMMAND_VERB,
	    .verbs = UINT64_C(1) << SMTP_HELP | UINT64_C(1) << SMTP_BDAT |
	    UINT64_C(1) << SMTP_AUTH, .action = POLICY_MASK },
	{ .name = "long", .subject = POLICY_COMMAND_LENGTH, .above = 20,
	    .action = POLICY_REJECT, .reply = REPLY("500 5.5.2 no") },
	{ .name = "many", .subject = POLICY_RCPT_COUNT, .above = 2,
	    .action = POLICY_DROP, .reply = REPLY("421 4.7.0 no") },
	{ .name = "from", .subject = POLICY_SENDER_ADDRESS, .regex = "a#1",
	    .action = POLICY_RESET },
	{ .name = "pipe", .subject = POLICY_SPECIAL_CHARACTER,
	    .action = POLICY_REJECT, .reply = REPLY("553 5.1.3 no") },
	{ .name = "strip", .subject = POLICY_EHLO_KEYWORD,
	    .words = WORDS(W("CHUNKING"), W("SIZE")), .action = POLICY_STRIP },
	{ .name = "keep", .subject = POLICY_EHLO_KEYWORD, .unless = true,
	    .words = WORDS(W("AUTH")), .action = POLICY_STRIP },
	{ .name = "xs", .subject = POLICY_EHLO_KEYWORD,
	    .words = WORDS(W("STARTTLS")), .action = POLICY_MASK },
	{ .name = "bad", .subject = POLICY_INVALID_RECIPIENTS, .above = 1,
	    .action = POLICY_DROP, .reply = REPLY("421 4.7.0 no") },
	{ .name = "lines", .subject = POLICY_HEADER_LINE_LENGTH, .above = 12,
	    .action = POLICY_REJECT, .reply = REPLY("552 5.3.4 no") },
	{ .name = "exe", .subject = POLICY_MIME_FILETYPE, .regex = ".exe",
	    .action = POLICY_REJECT, .reply = REPLY("552 5.3.4 no") },
	{ .name = "body", .subject = POLICY_BODY_LENGTH, .above = 30,
	    .action = POLICY_REJECT, .reply = REPLY("552 5.3.4 no") },
	{ .name = "size", .subject = POLICY_MESSAGE_SIZE, .above = 40,
	    .action = POLICY_REJECT, .reply = REPLY("552 5.3.4 no") },
	{ .name = "odd", .subject = POLICY_EVENT, .strike = true,
	    .tiles = 1u << SMTP_COMMAND, .anomalies = SMTP_ODD(ODD_COMMAND) |
	    SMTP_ODD(BARE_CR) | SMTP_ODD(BARE_LF) | SMTP_ODD(UNKNOWN_VERB),
	    .action = POLICY_REJECT, .reply = REPLY("500 5.5.2 no") },
	{ .name = "sync", .subject = POLICY_EVENT,
	    .anomalies = SMTP_ODD(UNAUTH_PIPELINING) | SMTP_ODD(EARLY_TALK),
	    .action = POLICY_DROP, .reply = REPLY("554 5.5.0 no") },
	{ .name = "told", .subject = POLICY_COMMAND_VERB,
	    .action = POLICY_TELL },
};

#define ALL (sizeof(all) / sizeof(*all))

void
duel_policy(struct duel_input *in, struct policy *p)
{
	static const struct span add[] = { W("XRECORD"), W("SIZE 1000") };
	static const struct span mechanisms[] = { W("LOGIN") };
	static struct policy_rule rules[ALL];
	unsigned edits = duel_octet(in), more = duel_octet(in);
	unsigned chosen = duel_octet(in) | duel_octet(in) << 8 |
	    duel_octet(in) << 16;

	*p = (struct policy){ .name = "fuzz", .rules = rules,
	    .banner = (enum policy_banner)(edits & 3),
	    .banner_text = SPAN("mx.example.net ESMTP"),
	    .host = SPAN("mx.example.net"), .scrub_hosts = edits & 4,
	    .scrub_text = edits & 8, .scrub_queue_ids = edits & 16,
	    .ehlo_add = { add, edits & 32 ? 2 : 0 },
	    .size_limit = edits & 64 ? 100 : 0,
	    .auth_allow = { mechanisms, more & 1 },
	    .filters_auth = edits & 128,
	    .newline = (enum policy_newline)((more >> 1 & 3) % 3),
	    .newline_reply = REPLY("552 5.3.4 no"), .dry_run = more & 8,
	    .guards_tls = more & 16, .match = contains };
	for (size_t i = 0; i < ALL; i++)
		if (chosen >> i & 1)
			rules[p->n_rules++] = all[i];
	policy_seal(p);
}
