/* value: what may be written for an option, on the command line or in a file.
 *
 * Each function reads one value into a field of struct options; it gives NULL,
 * or which values are accepted: the end of a sentence, static. Pure. */
#ifndef PROXY_VALUE_H
#define PROXY_VALUE_H

#include <stdbool.h>

typedef const char *value_read(void *field, const char *value);

value_read value_flag, value_once_more, value_count, value_threads,
    value_descriptor, value_duration, value_upstream, value_listen, value_file,
    value_on_failure, value_text, value_tls, value_implicit, value_verify,
    value_pem, value_tls_name;

/* Of a section, and of a built-in policy; field NULL: only looked at. */
value_read value_name, value_profile;

/* It is the i-th of n names. */
bool value_one_of(const char *value, const char *const *names, unsigned n,
    unsigned *i);

#endif
