/* value: what may be written for an option, on the command line or in a file.
 *
 * Each function reads one value into a field of struct options, or, with field
 * NULL, only looks whether it is one. It gives NULL, or which values are
 * accepted: the end of a sentence, static. Pure. */
#ifndef PROXY_VALUE_H
#define PROXY_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/policy.h"

#define VALUE_LINE_MAX	400	/* octets of a text we send in one line */

typedef const char *value_read(void *field, const char *value);

/* the command line, listeners, the record */
value_read value_flag, value_once_more, value_count, value_threads,
    value_descriptor, value_duration, value_upstream, value_listen, value_file,
    value_on_failure, value_text;

/* policies; field: NULL, but for those of names */
value_read value_yes_no, value_banner, value_host, value_keyword, value_line,
    value_word, value_verb, value_number, value_octets, value_newline,
    value_refusal, value_action, value_network, value_regex, value_event,
    value_name, value_profile;

/* What a value that was accepted means. */
bool value_is_yes(const char *);
uint64_t value_as_octets(const char *);		/* of value_number, too */
struct policy_network value_as_network(const char *);
uint64_t value_as_verbs(const char *);		/* bits; 0: not in verbs.def */
uint64_t value_as_event(const char *);		/* SMTP_ODD(...) */

#endif
