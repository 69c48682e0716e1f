/* scrubbing: a reply line through scrub_line(), for the tests of it. */
#ifndef TESTS_UNIT_SCRUBBING_H
#define TESTS_UNIT_SCRUBBING_H

#include "inspect/scrub.h"

enum { HOSTS = 1, TEXT = 2, IDS = 4, LATER = 8 /* not the first line */ };

/* The names to scrub: mail.corp.example, Ex01, none, 198.51.100.4. */
extern struct gate_name names[4];

/* Set them; before each test. */
void scrubbing_set_up(void);
void set_name(struct gate_name *, const char *text);

/* HOSTS | ...; we go by front.example, the client is 192.0.2.7. */
struct scrub options(int which);

/* The event the engine makes of a reply line; line has a code. */
struct smtp_event event(enum smtp_verb, struct span line, bool first);

/* The line with at most `most` edits done, which are in order and within its
 * text; its length. */
size_t scrubbed(const struct scrub *, enum smtp_verb, struct span line,
    bool first, unsigned most, char *out);

#endif
