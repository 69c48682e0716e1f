/* term: what may be written for an option of a policy.
 *
 * As in value.h, but nothing is stored: field is not used. What a value that
 * was accepted means is for those who make the policy. Pure. */
#ifndef PROXY_TERM_H
#define PROXY_TERM_H

#include "inspect/policy.h"
#include "proxy/value.h"

#define TERM_LINE_MAX	400	/* octets of a text we send in one line */

value_read term_yes_no, term_banner, term_host, term_keyword, term_line,
    term_word, term_verb, term_number, term_octets, term_newline, term_refusal,
    term_action, term_network, term_regex, term_event;

bool term_is_yes(const char *);
uint64_t term_as_octets(const char *);		/* of a number, too */
struct policy_network term_as_network(const char *);
uint64_t term_as_verbs(const char *);		/* bits; 0: not in verbs.def */
uint64_t term_as_event(const char *);		/* SMTP_ODD(...) */

#endif
