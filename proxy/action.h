/* action: what a match of a policy does, as text: "reject 452 4.5.3 too many",
 * "drop", "rate-limit 10/m", "tag news". Pure. */
#ifndef PROXY_ACTION_H
#define PROXY_ACTION_H

#include "inspect/policy.h"

struct action {
	enum policy_action what;
	const char *tag;	/* TAG; part of the text that was read */
	struct span code;	/* "452"; n = 0: the default reply */
	struct span enhanced;	/* "4.5.3"; n = 0: none */
	struct span text;	/* n = 0: a default one */
	double rate, burst;	/* RATE: a second, and at once: "10/m" lets ten
				 * through in the first second of a minute */
};

/* NULL, or what is accepted. */
const char *action_parse(const char *text, struct action *);

/* The reply, "CODE ENHANCED [HOST ]TEXT\r\n", with the host behind 421 as
 * RFC 5321 4.2.3 has it; reason: why, in default texts. The octets written to
 * out, POLICY_REPLY_MAX of them at most. */
size_t action_reply(const struct action *, struct span host, const char *reason,
    char out[POLICY_REPLY_MAX]);

/* A reply "CODE [ENHANCED] TEXT", well-formed, as parts. */
void action_take_reply(struct action *, const char *reply);

#endif
