/* What a policy says becomes these rules and edits, and no others. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/config.h"
#include "proxy/profile.h"

#define P(text) "policy \"p\" { " text " }"

static struct config_report report;
static struct policies *made;

static void
free_made(void)
{
	policies_free(made);
	made = NULL;
}

/* The policy "p" of a text that is right. */
static const struct policy *
good(const char *text)
{
	const struct policy *p;

	free_made();
	made = config_policies(text, "this.host", &report);
	ck_assert_msg(made != NULL, "%s", report.errors);
	p = policies_find(made, "p");
	ck_assert_ptr_nonnull(p);
	return p;
}

static void
refused(const char *text, const char *says)
{
	free_made();
	made = config_policies(text, "this.host", &report);
	ck_assert_msg(made == NULL, "accepted: %s", text);
	ck_assert_msg(strstr(report.errors, says) != NULL,
	    "%s: no \"%s\" in: %s", text, says, report.errors);
}

/* The i-th rule of this name. */
static const struct policy_rule *
rule(const struct policy *p, const char *name, unsigned i)
{
	for (size_t k = 0; k < p->n_rules; k++)
		if (strcmp(p->rules[k].name, name) == 0 && i-- == 0)
			return &p->rules[k];
	return NULL;
}

static bool
has(const struct policy_rule *r, const char *word)
{
	return policy_has_word(r->words, span_of(word));
}

static bool
has_verb(const struct policy_rule *r, enum smtp_verb verb)
{
	return r->verbs >> verb & 1;
}

static bool
is(struct span s, const char *text)
{
	return s.n == strlen(text) && (s.n == 0 || memcmp(s.p, text, s.n) == 0);
}

START_TEST(nothing_said_is_the_empty_policy)
{
	const struct policy *p = good(P(""));

	ck_assert(policy_is_empty(p));
	ck_assert(!p->holds[SMTP_CLIENT] && !p->holds[SMTP_SERVER]);
	ck_assert(policy_is_empty(good(P("profile = none"))));
	ck_assert_str_eq(report.notes, "");
}
END_TEST

static const struct {
	const char *text;
	enum policy_banner banner;
	const char *host, *words;
	bool renames;
} banners[] = {
	{ "banner = keep", POLICY_BANNER_KEEP, "this.host", "", false },
	{ "banner = mask", POLICY_BANNER_MASK, "this.host", "", false },
	{ "banner = mask-asa", POLICY_BANNER_ASA, "this.host", "", false },
	{ "banner = \"mx.example.net ESMTP\"", POLICY_BANNER_TEXT, "this.host",
	    "mx.example.net ESMTP", false },
	{ "banner = mx.example", POLICY_BANNER_TEXT, "this.host", "mx.example",
	    false },
	{ "banner = mask banner-host = h.example", POLICY_BANNER_MASK,
	    "h.example", "", true },
	{ "banner = mask scrub-hosts = yes", POLICY_BANNER_MASK,
	    "mail.invalid", "", true },
	{ "scrub-hosts = yes banner-host = h", POLICY_BANNER_KEEP, "h", "",
	    true },
};

START_TEST(a_banner_is_one_of_four)
{
	const struct policy *p;
	char text[128];

	(void)snprintf(text, sizeof(text), P("%s"), banners[_i].text);
	p = good(text);
	ck_assert_int_eq(p->banner, banners[_i].banner);
	ck_assert(is(p->host, banners[_i].host));
	ck_assert(is(p->banner_text, banners[_i].words));
	ck_assert_int_eq(p->renames, banners[_i].renames);
}
END_TEST

START_TEST(a_name_made_up_is_told)
{
	(void)good(P("scrub-hosts = yes"));
	ck_assert_ptr_nonnull(strstr(report.notes, "mail.invalid"));
	(void)good(P("scrub-hosts = yes banner-host = h"));
	ck_assert_str_eq(report.notes, "");
}
END_TEST

START_TEST(edits_are_taken_over)
{
	const struct policy *p = good(P("scrub-hosts = yes scrub-text = yes "
	    "scrub-queue-ids = yes ehlo-add = {\"XRECORD\", \"SIZE 1000\"} "
	    "ehlo-size-limit = 10MiB dry-run = yes bare-newline = normalize"));

	ck_assert(p->scrub_hosts && p->scrub_text && p->scrub_queue_ids);
	ck_assert_uint_eq(p->ehlo_add.n, 2);
	ck_assert(is(p->ehlo_add.list[1], "SIZE 1000"));
	ck_assert_uint_eq(p->size_limit, 10 << 20);
	ck_assert(p->dry_run);
	ck_assert_int_eq(p->newline, POLICY_NEWLINE_NORMALIZE);
	p = good(P("bare-newline = reject"));
	ck_assert_int_eq(p->newline, POLICY_NEWLINE_REJECT);
	ck_assert(is(p->newline_reply,
	    "550 5.6.11 bare CR/LF not accepted\r\n"));
}
END_TEST

START_TEST(a_blocked_verb_gets_502)
{
	const struct policy *p = good(P("block = {\"vrfy\", \"BDAT\", "
	    "\"XFOO\"}"));
	const struct policy_rule *r = rule(p, "block", 0);

	ck_assert_uint_eq(p->n_rules, 1);
	ck_assert_int_eq(r->subject, POLICY_COMMAND_VERB);
	ck_assert_int_eq(r->action, POLICY_REJECT);
	ck_assert(is(r->reply, "502 5.5.1 Command not implemented\r\n"));
	ck_assert_uint_eq(r->verbs, UINT64_C(1) << SMTP_VRFY |
	    UINT64_C(1) << SMTP_BDAT | UINT64_C(1) << SMTP_BDAT_LAST);
	ck_assert_uint_eq(r->words.n, 1);
	ck_assert(has(r, "xfoo"));
	/* other names for places in the queue of replies are no commands */
	r = rule(good(P("block = {\"CONNECT\"}")), "block", 0);
	ck_assert_uint_eq(r->verbs, 0);
	ck_assert(has(r, "CONNECT"));
}
END_TEST

START_TEST(binarymime_goes_with_chunking)
{
	static const char *const texts[] = {
		P("ehlo-strip = {\"CHUNKING\"}"),
		P("ehlo-mask = {\"chunking\"}"),
		P("ehlo-keep = {\"SIZE\", \"BINARYMIME\"}"),
		P("match \"ehlo-reply-parameter\" { is = {\"CHUNKING\"}  "
		    "action = mask }"),
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct policy *p = good(texts[i]);
		const struct policy_rule *r = &p->rules[1];

		ck_assert_int_eq(r->subject, POLICY_EHLO_KEYWORD);
		ck_assert_int_eq(r->action, p->rules[0].action);
		ck_assert_str_eq(r->name, p->rules[0].name);
		ck_assert(has(r, "BINARYMIME") && !r->unless);
		ck_assert_ptr_nonnull(strstr(report.notes, "takes BINARYMIME"));
	}
	(void)good(P("ehlo-strip = {\"CHUNKING\", \"BINARYMIME\"}"));
	ck_assert_str_eq(report.notes, "");
}
END_TEST

START_TEST(verbs_of_hidden_extensions_are_blocked)
{
	const struct policy_rule *r = rule(good(P("ehlo-strip = {\"VRFY\"} "
	    "ehlo-mask = {\"CHUNKING\", \"X-EXPS\"}")), "block-stripped", 0);

	ck_assert_uint_eq(r->verbs, UINT64_C(1) << SMTP_VRFY |
	    UINT64_C(1) << SMTP_BDAT | UINT64_C(1) << SMTP_BDAT_LAST |
	    UINT64_C(1) << SMTP_XEXPS);
	ck_assert(is(r->reply, "502 5.5.1 Command not implemented\r\n"));
	ck_assert_ptr_null(rule(good(P("ehlo-strip = {\"VRFY\"} "
	    "block-stripped = no")), "block-stripped", 0));
	ck_assert_ptr_null(rule(good(P("ehlo-strip = {\"SIZE\"}")),
	    "block-stripped", 0));
}
END_TEST

START_TEST(what_is_not_kept_leaves_base_commands_alone)
{
	const struct policy_rule *r = rule(good(P("ehlo-keep = {\"AUTH\"}")),
	    "block-stripped", 0);

	ck_assert(has_verb(r, SMTP_BDAT) && has_verb(r, SMTP_STARTTLS) &&
	    has_verb(r, SMTP_ETRN) && has_verb(r, SMTP_XCLIENT));
	ck_assert(!has_verb(r, SMTP_AUTH) && !has_verb(r, SMTP_HELP) &&
	    !has_verb(r, SMTP_VRFY) && !has_verb(r, SMTP_MAIL));
}
END_TEST

START_TEST(other_mechanisms_are_refused)
{
	const struct policy *p = good(P("auth-allow = {\"PLAIN\"}"));
	const struct policy_rule *r = rule(p, "auth-allow", 0);

	ck_assert(p->filters_auth && p->auth_allow.n == 1);
	ck_assert(r->subject == POLICY_AUTH_MECHANISM && r->unless);
	ck_assert(has(r, "plain"));
	ck_assert(is(r->reply, "504 5.5.4 Unrecognized authentication "
	    "type\r\n"));
	p = good(P("auth-allow = {\"PLAIN\"} block-stripped = no"));
	ck_assert(p->filters_auth && p->n_rules == 0);
}
END_TEST

static const struct {
	const char *option;
	enum policy_subject subject;
	enum policy_action action;
	const char *reply;
} bounds[] = {
	{ "max-reply-line", POLICY_REPLY_LENGTH, POLICY_DROP,
	    "421 4.3.0 this.host upstream reply too long\r\n" },
	{ "max-reply-lines", POLICY_REPLY_LINES, POLICY_DROP,
	    "421 4.3.0 this.host upstream reply too long\r\n" },
	{ "max-bdat", POLICY_CHUNK_SIZE, POLICY_DROP,
	    "552 5.3.4 chunk too large\r\n" },
	{ "max-message", POLICY_MESSAGE_SIZE, POLICY_REJECT,
	    "552 5.3.4 message too large\r\n" },
};

START_TEST(a_bound_refuses_or_tells)
{
	const struct policy_rule *r;
	char text[128];

	(void)snprintf(text, sizeof(text), P("%s = 1KiB"), bounds[_i].option);
	r = rule(good(text), bounds[_i].option, 0);
	ck_assert_int_eq(r->subject, bounds[_i].subject);
	ck_assert_int_eq(r->action, bounds[_i].action);
	ck_assert_uint_eq(r->above, 1024);
	ck_assert_msg(is(r->reply, bounds[_i].reply), "%.*s", (int)r->reply.n,
	    r->reply.p);
	(void)snprintf(text, sizeof(text), P("%s = 1KiB bounds = event"),
	    bounds[_i].option);
	r = rule(good(text), bounds[_i].option, 0);
	ck_assert_int_eq(r->action, POLICY_TELL);
	ck_assert_uint_eq(r->reply.n, 0);
}
END_TEST

START_TEST(auth_may_be_longer)
{
	const struct policy *p = good(P("max-command-line = 2048"));

	ck_assert_uint_eq(p->n_rules, 2);
	ck_assert_uint_eq(p->rules[0].above, 12288);
	ck_assert_uint_eq(p->rules[0].verbs, 0);
	ck_assert_uint_eq(p->rules[1].above, 2048);
	ck_assert(!has_verb(&p->rules[1], SMTP_AUTH));
	ck_assert(has_verb(&p->rules[1], SMTP_MAIL) &&
	    has_verb(&p->rules[1], SMTP_UNKNOWN));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(p->rules[i].action, POLICY_DROP);
		ck_assert(is(p->rules[i].reply,
		    "500 5.5.2 line too long\r\n"));
	}
	ck_assert_uint_eq(good(P("max-command-line = 16KiB"))->n_rules, 1);
}
END_TEST

/* The rows of refusals.def whose option is one of these, as they stand. */
START_TEST(refusals_become_rules_in_the_order_of_their_table)
{
	static const struct {
		const char *option;
		uint64_t anomalies;
	} rows[] = {
#define REFUSAL(option, tiles, anomalies, action, strike, reply, section) \
	{ #option, anomalies },
#include "inspect/refusals.def"
#undef REFUSAL
	};
	const struct policy *p = good(P("odd-command = reject "
	    "early-talk = reject bad-bdat = event"));
	size_t n = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].option, "odd_command") != 0 &&
		    strcmp(rows[i].option, "early_talk") != 0)
			continue;
		ck_assert_uint_lt(n, p->n_rules);
		ck_assert_int_eq(p->rules[n].subject, POLICY_EVENT);
		ck_assert_uint_eq(p->rules[n].anomalies, rows[i].anomalies);
		n++;
	}
	ck_assert_uint_eq(p->n_rules, n);
	ck_assert_uint_gt(n, 2);
	ck_assert_ptr_nonnull(rule(p, "odd-command", 0));
	ck_assert(!p->guards_tls);
	ck_assert(good(P("unsolicited-reply = reject"))->guards_tls);
}
END_TEST

/* A match must not answer what ends the session, as words behind QUIT. */
START_TEST(refusals_that_end_the_session_come_before_matches)
{
	const struct policy *p = good(P("odd-command = reject match \"message\""
	    " { action = \"reject 450 later\" }"));
	bool behind = false;
	size_t ends = 0, goes_on = 0;

	for (size_t i = 0; i < p->n_rules; i++) {
		behind |= p->rules[i].subject == POLICY_MESSAGES;
		if (p->rules[i].subject != POLICY_EVENT)
			continue;
		ck_assert_int_eq(behind, p->rules[i].action == POLICY_REJECT);
		ends += !behind;
		goes_on += behind;
	}
	ck_assert(ends && goes_on);
}
END_TEST

START_TEST(a_421_names_the_host)
{
	const struct policy *p = good(P("banner-host = h bad-reply = reject"));

	for (size_t i = 0; i < p->n_rules; i++)
		ck_assert_msg(memcmp(p->rules[i].reply.p, "421 4.3.0 h ", 12) ==
		    0, "%s", p->rules[i].reply.p);
}
END_TEST

static const struct {
	const char *name, *alias;
	enum policy_operand operand;
} subjects[] = {
#define SUBJECT(symbol, name, alias, operand, section) \
	{ name, alias, POLICY_##operand },
#include "inspect/subjects.def"
#undef SUBJECT
};

static const char *const operands[] = {
	[POLICY_NONE] = "", [POLICY_NUMBER] = "gt = 7",
	[POLICY_WORDS] = "is = {\"w\"}", [POLICY_REGEX] = "regex = \"r\"",
	[POLICY_VERBS] = "verbs = {\"RCPT\"}",
	[POLICY_EVENTS] = "names = {\"bare-lf\", \"nul\"}",
};

START_TEST(a_subject_compares_with_its_operand_only)
{
	char text[256], name[80];
	const struct policy_rule *r;

	for (int o = POLICY_NUMBER; o <= POLICY_EVENTS; o++) {
		const char *as = o % 2 && subjects[_i].alias[0] ?
		    subjects[_i].alias : subjects[_i].name;

		(void)snprintf(text, sizeof(text), P("match \"%s\" { action = "
		    "event  %s }"), as, operands[o]);
		if (o != (int)subjects[_i].operand) {
			refused(text, subjects[_i].operand == POLICY_NONE ?
			    "does not compare" : ":1: ");
			continue;
		}
		(void)snprintf(name, sizeof(name), "match %s",
		    subjects[_i].name);
		r = rule(good(text), name, 0);
		ck_assert_ptr_nonnull(r);
		ck_assert_int_eq((int)r->subject, _i);
		ck_assert_uint_eq(r->above, o == POLICY_NUMBER ? 7 : 0);
		ck_assert_uint_eq(r->words.n, o == POLICY_WORDS);
		ck_assert_int_eq(r->regex != NULL, o == POLICY_REGEX);
		ck_assert_uint_eq(r->anomalies, o == POLICY_EVENTS ?
		    SMTP_ODD(BARE_LF) | SMTP_ODD(NUL) : 0);
	}
	(void)snprintf(text, sizeof(text), P("match \"%s\" { action = event }"),
	    subjects[_i].name);
	if (subjects[_i].operand == POLICY_NONE)
		(void)good(text);
	else
		refused(text, "is missing");
}
END_TEST

START_TEST(verbs_narrow_lengths_and_events)
{
	const struct policy *p = good(P("match \"cmd line length\" { gt = 512 "
	    "verbs = {\"VRFY\"} action = drop } match \"event\" { names = "
	    "{\"out-of-order\"} verbs = {\"RCPT\"} action = event }"));

	ck_assert_uint_eq(p->rules[0].verbs, UINT64_C(1) << SMTP_VRFY);
	ck_assert_uint_eq(p->rules[1].verbs, UINT64_C(1) << SMTP_RCPT);
	refused(P("match \"rcpt count\" { gt = 1 verbs = {\"RCPT\"} action = "
	    "event }"), "verbs: match \"rcpt count\" does not compare");
}
END_TEST

START_TEST(all_matches_of_one_subject_count)
{
	const struct policy *p = good(P(
	    "match \"rcpt count\" { gt = 1 action = event }"
	    "match \"cmd RCPT count\" { gt = 2 action = drop }"
	    "match \"rcpt count\" { gt = 3 action = reset name = \"third\" }"
	    "match \"rcpt count\" { gt = 4 action = event not = yes }"));

	ck_assert_uint_eq(p->n_rules, 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(p->rules[i].above, i + 1);
	ck_assert_str_eq(p->rules[0].name, "match rcpt count");
	ck_assert_str_eq(p->rules[1].name, "match rcpt count");
	ck_assert_str_eq(p->rules[2].name, "third");
	ck_assert(p->rules[3].unless && !p->rules[0].unless);
}
END_TEST

START_TEST(others_are_none_of_ciscos_list)
{
	const struct policy_rule *r;

	r = good(P("block-stripped = no match \"ehlo-reply-parameter\" { "
	    "is = {\"others\", \"etrn\"} action = mask }"))->rules;
	ck_assert(r->unless && r->words.n == 7);
	ck_assert(has(r, "SIZE") && !has(r, "ETRN") && !has(r, "STARTTLS"));
	ck_assert(!has(r, "BINARYMIME"));	/* goes with CHUNKING */
	r = good(P("match \"ehlo-reply-parameter\" { "
	    "is = {\"others\"} not = yes action = event }"))->rules;
	ck_assert(!r->unless && has(r, "VRFY"));
	r = good(P("match \"mime encoding\" { is = {\"others\", \"binary\"} "
	    "action = event }"))->rules;
	ck_assert(r->unless && r->words.n == 4 && has(r, "base64"));
	r = good(P("match \"ehlo-reply-parameter\" { is = {\"binaryname\"} "
	    "action = event }"))->rules;
	ck_assert(has(r, "BINARYMIME"));
}
END_TEST

static const struct {
	const char *text;
	enum policy_action action;
	const char *reply;	/* "": none */
} actions[] = {
	{ "event", POLICY_TELL, "" },
	{ "reset", POLICY_RESET, "" },
	{ "tag news", POLICY_TAG, "" },
	{ "mask", POLICY_MASK, "" },
	{ "reject 452 4.5.3 too many recipients", POLICY_REJECT,
	    "452 4.5.3 too many recipients\r\n" },
	{ "reject 550 No thanks", POLICY_REJECT, "550 No thanks\r\n" },
	{ "reject 550", POLICY_REJECT, "550 refused: command verb\r\n" },
	{ "reject 554 5.7.1", POLICY_REJECT,
	    "554 5.7.1 refused: command verb\r\n" },
	{ "reject 421 4.3.2 later", POLICY_REJECT,
	    "421 4.3.2 this.host later\r\n" },
	{ "drop", POLICY_DROP,
	    "421 4.7.0 this.host closing: command verb\r\n" },
	{ "drop 554 5.5.0 go away", POLICY_DROP, "554 5.5.0 go away\r\n" },
	{ "rate-limit 10/m", POLICY_RATE, "450 4.7.1 too often, try again "
	    "later: command verb\r\n" },
};

START_TEST(an_action_is_read)
{
	const struct policy_rule *r;
	char text[256];

	(void)snprintf(text, sizeof(text), P("match \"command verb\" { verbs = "
	    "{\"NOOP\"} action = \"%s\" }"), actions[_i].text);
	r = good(text)->rules;
	ck_assert_int_eq(r->action, actions[_i].action);
	ck_assert_msg(is(r->reply, actions[_i].reply), "%.*s", (int)r->reply.n,
	    r->reply.p);
	if (r->action == POLICY_TAG)
		ck_assert_str_eq(r->tag, "news");
	if (r->action == POLICY_RATE)
		ck_assert_double_eq_tol(r->rate, 10 / 60., 1e-9);
}
END_TEST

static const struct {
	const char *text, *says;
} wrong[] = {
	{ "action = explode", "is accepted" },
	{ "action = \"reject\"", "is accepted" },
	{ "action = \"reject 250 ok\"", "is accepted" },
	{ "action = \"reject 560 x\"", "is accepted" },
	{ "action = \"reject 55 x\"", "is accepted" },
	{ "action = \"reject 550 4.1.1 x\"", "is accepted" },
	{ "action = \"event now\"", "is accepted" },
	{ "action = \"tag\"", "is accepted" },
	{ "action = \"tag two words\"", "is accepted" },
	{ "action = \"rate-limit 0/s\"", "is accepted" },
	{ "action = \"rate-limit 1\"", "is accepted" },
	{ "action = \"rate-limit -1/s\"", "is accepted" },
	{ "action = \"reject 550 a\\x0d\\x0a250 ok\"", "printable" },
	{ "action = \"reject 550 a\\tb\"", "printable" },
	{ "action = \"reject 550 \xc3\xa4\"", "printable" },
	{ "action = mask gt = 1", "does not compare" },
	{ "", "action is missing" },
};

START_TEST(a_wrong_action_is_refused)
{
	char text[256];

	(void)snprintf(text, sizeof(text), P("match \"command verb\" { verbs = "
	    "{\"NOOP\"} %s }"), wrong[_i].text);
	refused(text, wrong[_i].says);
}
END_TEST

static const struct {
	const char *text, *says;
} refusals[] = {
	{ P("banner = msak"), "banner \"msak\": keep, mask, mask-asa or" },
	{ P("banner = \"mx.example\\r\\n220 x\""), "printable ASCII" },
	{ P("banner-host = \"a b\""), "a host name" },
	{ P("banner-host = \"a\\nb\""), "a host name" },
	{ P("scrub-hosts = true"), "yes or no" },
	{ P("ehlo-strip = {}"), "ehlo-strip {}: at least one value" },
	{ P("ehlo-strip = {\"SIZE 10\"}"), "a keyword of letters" },
	{ P("ehlo-add = {\"X\\r\\n250 Y\"}"), "printable" },
	{ P("ehlo-size-limit = 0"), "a number of octets" },
	{ P("ehlo-size-limit = 1k"), "a number of octets" },
	{ P("ehlo-size-limit = 99999999999GiB"), "a number of octets" },
	{ P("block = {\"\"}"), "the verb of a command" },
	{ P("bare-newline = fix"), "pass, normalize or reject" },
	{ P("early-talk = drop"), "event or reject" },
	{ P("profile = cisco"), "none, mask, strict, asa or pix" },
	{ P("match \"weather\" { action = event }"),
	    "match \"weather\": accepted are command verb, command length" },
	{ P("match \"event\" { names = {\"x\"} action = event }"),
	    "the name of an event" },
	{ P("match \"sender address\" { regex = \"(a\" action = event }"),
	    "regex \"(a\": at offset 2: missing closing parenthesis" },
	{ P("match \"body length\" { gt = 1 action = \"rate-limit 1/s\" }"),
	    "a rate can be limited of commands only" },
	{ P("match \"rcpt count\" { gt = 1 action = mask }"),
	    "only an EHLO keyword or a command verb can be masked" },
	{ P("when { policy = none }"), "a condition is missing" },
	{ P("when { helo = {\"x\"} }"), "policy is missing" },
	{ P("when { helo = {\"x\"} policy = nix }"), "policy nix: the name" },
	{ P("when { client = {\"10.0.0.0/33\"} policy = none }"),
	    "a network like" },
	{ P("when { client = {\"10.0.0.0/\"} policy = none }"),
	    "a network like" },
	{ P("when { client = {\"host\"} policy = none }"), "a network like" },
	{ P("when { sender = \"[\" policy = none }"), "at offset 1" },
	{ P("when { helo = {\"x\"} policy = p }"), "in a circle" },
	{ P("when { helo = {\"x\"} policy = q }") "policy \"q\" { when { helo = "
	    "{\"y\"} policy = p } }", "in a circle" },
};

START_TEST(what_is_wrong_in_a_policy_is_named)
{
	refused(refusals[_i].text, refusals[_i].says);
	ck_assert_msg(strncmp(report.errors, "policy:1: ", 10) == 0, "%s",
	    report.errors);
}
END_TEST

START_TEST(there_is_a_bound_on_rules)
{
	static char text[POLICY_RULES_MAX * 64];
	char *p = text + sprintf(text, "policy \"p\" {");

	for (int i = 0; i <= POLICY_RULES_MAX; i++)
		p += sprintf(p, "match \"message\" { action = event }\n");
	(void)sprintf(p, "}");
	refused(text, "more than 256 rules");
}
END_TEST

START_TEST(there_is_a_bound_on_lines_added)
{
	static char text[8192];
	char *p = text + sprintf(text, "policy \"p\" { ehlo-add = {");

	for (int i = 0; i < 8; i++)
		p += sprintf(p, "%s\"X%d %0300d\"", i ? ", " : "", i, 0);
	(void)sprintf(p, "} }");
	refused(text, "over 2 KiB in all");
}
END_TEST

START_TEST(a_section_overrides_its_profile)
{
	const struct policy *p = good(P("profile = strict "
	    "bare-newline = pass block = {\"VRFY\"} early-talk = event"));

	ck_assert_int_eq(p->newline, POLICY_NEWLINE_PASS);
	ck_assert_uint_eq(rule(p, "block", 0)->verbs,
	    UINT64_C(1) << SMTP_VRFY);
	ck_assert_ptr_null(rule(p, "early-talk", 0));
	ck_assert_ptr_nonnull(rule(p, "bad-bdat", 0));
}
END_TEST

START_TEST(a_match_with_a_number_replaces_the_profiles)
{
	const struct policy *p = good(P("profile = asa "
	    "match \"cmd line length\" { gt = 1024 action = event } "
	    "match \"ehlo-reply-parameter\" { is = {\"SIZE\"} action = mask }"));

	ck_assert_uint_eq(rule(p, "match command length", 0)->above, 1024);
	ck_assert_ptr_null(rule(p, "match command length", 1));
	/* the policy's own comes first; the profile's is there all the same */
	ck_assert(has(rule(p, "match ehlo-reply-parameter", 0), "SIZE"));
	ck_assert(rule(p, "match ehlo-reply-parameter", 1)->unless);
}
END_TEST

START_TEST(a_match_of_the_same_name_replaces_the_profiles)
{
	const struct policy *p = good(P("profile = pix "
	    "match \"command verb\" { verbs = {\"HELP\"} name = \"block\" "
	    "action = \"reject 502\" }"));

	ck_assert_uint_eq(p->n_rules, 1);
	ck_assert(has_verb(&p->rules[0], SMTP_HELP));
}
END_TEST

START_TEST(each_limited_rule_has_a_key_of_its_own)
{
	const struct policy *p = good(P("match \"message\" { action = "
	    "\"rate-limit 1/s\" } match \"message\" { action = "
	    "\"rate-limit 9/h\" }") "policy \"q\" { match \"message\" { action "
	    "= \"rate-limit 1/s\" } }");
	unsigned long other = policies_find(made, "q")->rules[0].rate_key;

	ck_assert(policies_limit_rates(made));
	ck_assert_uint_ne(p->rules[0].rate_key, p->rules[1].rate_key);
	ck_assert_uint_ne(p->rules[0].rate_key, other);
	ck_assert_uint_ne(p->rules[1].rate_key, other);
	(void)good(P(""));
	ck_assert(!policies_limit_rates(made));
}
END_TEST

START_TEST(a_when_names_what_takes_its_place)
{
	static const unsigned char ten[16] = { [10] = 0xff, 0xff, 10, 1, 2, 3 },
	    eleven[16] = { [10] = 0xff, 0xff, 11 }, six[16] = { 0x20, 1, 0xd,
	    0xb8, [15] = 1 };
	const struct policy *p = good(P("when { client = {\"10.0.0.0/8\", "
	    "\"2001:db8::/32\", \"192.0.2.1\"} policy = q } when { helo = "
	    "{\"a.example\", \".example\"} sender = \"@a$\" recipient = \"^b@\""
	    " policy = mask }") "policy \"q\" { block = {\"VRFY\"} }");
	const struct policy_when *w = p->whens;

	ck_assert_uint_eq(p->n_whens, 2);
	ck_assert_ptr_eq(w[0].then, policies_find(made, "q"));
	ck_assert_uint_eq(w[0].n_clients, 3);
	ck_assert(policy_in_network(&w[0].clients[0], ten));
	ck_assert(!policy_in_network(&w[0].clients[0], eleven));
	ck_assert(policy_in_network(&w[0].clients[1], six));
	ck_assert_uint_eq(w[0].clients[2].bits, 128);
	ck_assert_uint_eq(w[1].helo.n, 2);
	ck_assert(p->match(w[1].sender, SPAN("x@a")));
	ck_assert(p->match(w[1].recipient, SPAN("b@x")));
	ck_assert_str_eq(w[1].then->name, "mask");
	/* sealed after what it may become */
	ck_assert(p->holds[SMTP_CLIENT] && p->holds[SMTP_SERVER]);
	ck_assert_uint_eq(policies_count(made), 3);
}
END_TEST

START_TEST(profiles_are_whole)
{
	const char *name = profile_name((unsigned)_i);
	char text[128];
	const struct policy *p;

	ck_assert_ptr_nonnull(name);
	(void)snprintf(text, sizeof(text), P("profile = %s"), name);
	p = good(text);
	ck_assert_int_eq(policy_is_empty(p), strcmp(name, "none") == 0);
	free_made();
	made = config_policies(profile_text(name), "h", &report);
	ck_assert_msg(made != NULL, "%s", report.errors);
	ck_assert_ptr_nonnull(policies_find(made, name));
	ck_assert_ptr_null(strstr(profile_text(name), "profile ="));
}
END_TEST

START_TEST(asa_is_ciscos_default_map)
{
	static const struct {
		enum policy_subject subject;
		uint64_t above;
		enum policy_action action;
	} map[] = {
		{ POLICY_COMMAND_LENGTH, 512, POLICY_DROP },
		{ POLICY_RCPT_COUNT, 100, POLICY_DROP },
		{ POLICY_BODY_LINE_LENGTH, 998, POLICY_TELL },
		{ POLICY_HEADER_LINE_LENGTH, 998, POLICY_DROP },
		{ POLICY_SENDER_LENGTH, 320, POLICY_DROP },
		{ POLICY_MIME_FILENAME_LENGTH, 255, POLICY_DROP },
		{ POLICY_EHLO_KEYWORD, 0, POLICY_MASK },
	};
	const struct policy *p = good(P("profile = asa"));

	ck_assert_int_eq(p->banner, POLICY_BANNER_MASK);
	for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++) {
		ck_assert_int_eq(p->rules[i].subject, map[i].subject);
		ck_assert_uint_eq(p->rules[i].above, map[i].above);
		ck_assert_int_eq(p->rules[i].action, map[i].action);
		if (map[i].action == POLICY_DROP)
			ck_assert_int_eq(memcmp(p->rules[i].reply.p,
			    "421 4.7.0 this.host closing: ", 29), 0);
	}
}
END_TEST

START_TEST(pix_lets_seven_verbs_pass)
{
	const struct policy *p = good(P("profile = pix"));

	ck_assert_int_eq(p->banner, POLICY_BANNER_ASA);
	ck_assert_uint_eq(p->n_rules, 1);
	ck_assert(p->rules[0].unless && p->rules[0].words.n == 0);
	ck_assert_int_eq(__builtin_popcountll(p->rules[0].verbs), 7);
	ck_assert(!has_verb(&p->rules[0], SMTP_EHLO));
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof(*(rows)))

int
main(void)
{
	Suite *suite = suite_create("policies");
	TCase *tests = tcase_create("policies");
	SRunner *runner;
	int failed, profiles = 0;

	while (profile_name((unsigned)profiles))
		profiles++;
	tcase_add_checked_fixture(tests, NULL, free_made);
	tcase_add_test(tests, nothing_said_is_the_empty_policy);
	tcase_add_loop_test(tests, a_banner_is_one_of_four, 0, COUNT(banners));
	tcase_add_test(tests, a_name_made_up_is_told);
	tcase_add_test(tests, edits_are_taken_over);
	tcase_add_test(tests, a_blocked_verb_gets_502);
	tcase_add_test(tests, binarymime_goes_with_chunking);
	tcase_add_test(tests, verbs_of_hidden_extensions_are_blocked);
	tcase_add_test(tests, what_is_not_kept_leaves_base_commands_alone);
	tcase_add_test(tests, other_mechanisms_are_refused);
	tcase_add_loop_test(tests, a_bound_refuses_or_tells, 0, COUNT(bounds));
	tcase_add_test(tests, auth_may_be_longer);
	tcase_add_test(tests,
	    refusals_become_rules_in_the_order_of_their_table);
	tcase_add_test(tests,
	    refusals_that_end_the_session_come_before_matches);
	tcase_add_test(tests, a_421_names_the_host);
	tcase_add_loop_test(tests, a_subject_compares_with_its_operand_only, 0,
	    COUNT(subjects));
	tcase_add_test(tests, verbs_narrow_lengths_and_events);
	tcase_add_test(tests, all_matches_of_one_subject_count);
	tcase_add_test(tests, others_are_none_of_ciscos_list);
	tcase_add_loop_test(tests, an_action_is_read, 0, COUNT(actions));
	tcase_add_loop_test(tests, a_wrong_action_is_refused, 0, COUNT(wrong));
	tcase_add_loop_test(tests, what_is_wrong_in_a_policy_is_named, 0,
	    COUNT(refusals));
	tcase_add_test(tests, there_is_a_bound_on_rules);
	tcase_add_test(tests, there_is_a_bound_on_lines_added);
	tcase_add_test(tests, a_section_overrides_its_profile);
	tcase_add_test(tests, a_match_with_a_number_replaces_the_profiles);
	tcase_add_test(tests, a_match_of_the_same_name_replaces_the_profiles);
	tcase_add_test(tests, each_limited_rule_has_a_key_of_its_own);
	tcase_add_test(tests, a_when_names_what_takes_its_place);
	tcase_add_loop_test(tests, profiles_are_whole, 0, profiles);
	tcase_add_test(tests, asa_is_ciscos_default_map);
	tcase_add_test(tests, pix_lets_seven_verbs_pass);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
