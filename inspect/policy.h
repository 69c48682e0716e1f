/* policy: what to change in a session, as a table of rules and a few edits.
 *
 * A policy is built once, from the configuration, and never changes: sessions of
 * many threads read it. All memory it points to is the builder's. Nothing set is
 * the empty policy, which changes nothing, ever.
 *
 * Rules are rows: a subject, what to compare it with, an action. They are tried
 * in order; EVENT and TAG are told and the search goes on, of the other
 * actions the first that holds counts. policy_check() says why a table would
 * break the protocol; who skips it has no policy. */
#ifndef INSPECT_POLICY_H
#define INSPECT_POLICY_H

#include "inspect/smtp.h"

#define POLICY_REPLY_MAX 512	/* octets of a reply of ours, CRLF included */
#define POLICY_RULES_MAX 256
#define POLICY_ADD_MAX	 64	/* lines added to a reply to EHLO */
#define POLICY_ADD_OCTETS 2048	/* of them, code and CRLF included */
#define POLICY_WHENS_MAX 64

enum policy_subject {
#define SUBJECT(symbol, name, alias, operand, section) POLICY_##symbol,
#include "inspect/subjects.def"
#undef SUBJECT
	POLICY_SUBJECTS
};

enum policy_operand {
	POLICY_NONE, POLICY_NUMBER, POLICY_WORDS, POLICY_REGEX, POLICY_VERBS,
	POLICY_EVENTS
};

enum policy_action {
	POLICY_TELL,	/* "event": told, nothing else */
	POLICY_TAG,	/* told, with the rule's text as the session's tag */
	POLICY_MASK,	/* overwritten with X, the length kept */
	POLICY_STRIP,	/* an EHLO keyword: its line is not forwarded; a command:
			 * nor is it answered */
	POLICY_REJECT,	/* not forwarded; reply, at its place in the order */
	POLICY_DROP,	/* the same, and then the session is closed */
	POLICY_RESET,	/* both connections are reset */
	POLICY_RATE,	/* REJECT what exceeds rate from one client network */
	POLICY_REWRITE,	/* of the edits below, when told; not of a rule */
	POLICY_ACTIONS
};

struct policy_words {
	const struct span *list;
	size_t n;
};

struct policy_rule {
	const char *name;	/* what the record says has fired */
	enum policy_subject subject;
	bool unless;		/* fires where the comparison does not hold */
	bool strike;		/* REJECT: the third of a session closes it */
	unsigned tiles;		/* EVENT: 1 << enum smtp_tile; 0: any */
	uint64_t anomalies;	/* EVENT: SMTP_ODD(...) | ... */
	uint64_t verbs;		/* 1 << enum smtp_verb; with no words, 0: any */
	struct policy_words words;	/* WORDS; VERBS: those not in verbs.def */
	uint64_t above;		/* NUMBER: holds for more than this */
	const void *regex;	/* for policy.match */
	enum policy_action action;
	struct span reply;	/* REJECT, DROP, RATE: the line, with CRLF */
	double rate, burst;	/* RATE: a second, and at once, of each
				 * client network */
	unsigned long rate_key;	/* RATE: a number no other rule has */
	const char *tag;	/* TAG */
};

enum policy_banner {
	POLICY_BANNER_KEEP,
	POLICY_BANNER_MASK,	/* HOST ESMTP, ESMTP only if it was there */
	POLICY_BANNER_TEXT,
	POLICY_BANNER_ASA,	/* asterisks, the length kept */
};

enum policy_newline {
	POLICY_NEWLINE_PASS,
	POLICY_NEWLINE_NORMALIZE,	/* a bare CR or LF becomes a blank */
	POLICY_NEWLINE_REJECT,		/* so does NUL: 550 5.6.11 */
};

/* Where TLS ends (PRODUCT 5). */
enum policy_tls {
	POLICY_TLS_PASS,	/* not here */
	POLICY_TLS_STRIP,	/* nowhere: STARTTLS is hidden and refused */
	POLICY_TLS_BRIDGE,	/* on both sides, when the client starts it */
	POLICY_TLS_TERMINATE,	/* on the client's, whatever the server offers */
	POLICY_TLS_ORIGINATE,	/* on the server's, whatever the client does */
	POLICY_TLS_REQUIRE,	/* as BRIDGE, and nothing is said before it */
};

/* Addresses that share their first bits; IPv4 as ::ffff:a.b.c.d. */
struct policy_network {
	unsigned char address[16];
	unsigned bits;		/* 0..128 */
};

struct policy;

/* Another policy, while all that is given here holds; n = 0, NULL: not asked. */
struct policy_when {
	const struct policy_network *clients;
	size_t n_clients;
	struct policy_words helo;	/* as EHLO or HELO said, any case;
					 * ".example": and all below */
	const void *sender, *recipient;	/* regex */
	const struct policy *then;	/* its own whens do not count */
};

struct policy {
	const char *name;
	const struct policy_rule *rules;
	size_t n_rules;
	enum policy_banner banner;
	struct span banner_text;	/* without code and CRLF */
	struct span host;		/* the name we go by; never empty */
	bool renames;			/* a masked greeting gives that name, not
					 * the server's */
	bool scrub_hosts, scrub_text, scrub_queue_ids;
	struct policy_words ehlo_add;	/* whole lines: "SIZE 1000" */
	uint64_t size_limit;		/* clamps SIZE; 0: does not */
	struct policy_words auth_allow;
	bool filters_auth;		/* auth_allow counts, even if empty */
	enum policy_newline newline;
	struct span newline_reply;	/* REJECT: the line, with CRLF */
	bool guards_tls;		/* close when plain bytes stand behind
					 * STARTTLS or its 220 */
	enum policy_tls tls;		/* not of a policy of whens */
	bool tls_optional;		/* ORIGINATE: without, if the server has
					 * none */
	bool dry_run;			/* told, nothing done */
	const struct policy_when *whens;	/* the first that holds counts */
	size_t n_whens;
	bool (*match)(const void *regex, struct span subject);	/* any thread */
	/* set by policy_seal() */
	bool holds[2];			/* what that side sends may be changed */
	bool reads_content;		/* rules look at mail content */
	bool edits_ehlo;		/* may take lines out of the reply to EHLO */
	bool knows_addresses;		/* scrubs them out of replies */
};

/* NULL, or why this policy cannot be used: a sentence's end, static. */
const char *policy_check(const struct policy *);

/* Work out what follows from the rest, and from the policies of whens, which
 * must be sealed before. */
void policy_seal(struct policy *);

/* It changes nothing and tells nothing; nor do its whens. */
bool policy_is_empty(const struct policy *);

/* "reject"; static. */
const char *policy_action_name(enum policy_action);

/* "rcpt count", or its alias; any case. POLICY_SUBJECTS: there is none. */
enum policy_subject policy_subject(struct span name);
const char *policy_subject_name(enum policy_subject);
enum policy_operand policy_operand(enum policy_subject);

bool policy_in_network(const struct policy_network *,
    const unsigned char address[16]);

/* Any case. */
bool policy_has_word(struct policy_words, struct span word);

#endif
