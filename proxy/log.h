/* log: one logfmt line on stderr for each thing an operator acts on or counts.
 *
 * A line is `key=value key=value ...`, written with one write(), so that lines
 * of several threads do not mix. An absent value is empty: `qid=`. A value with
 * anything but printable ASCII, or with a blank, a quote, `=` or a backslash,
 * stands in quotes; in these \" and \\ are themselves and \xNN is any other
 * octet. Values and lines are cut at their bounds. Never given a credential or
 * mail content. Any thread. */
#ifndef PROXY_LOG_H
#define PROXY_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/span.h"

#define LOG_LINE_MAX	4096	/* octets, LF included */
#define LOG_VALUE_MAX	512	/* octets of one value as written */

enum log_level {
	LOG_ERROR,	/* with -q, too */
	LOG_INFO,
	LOG_VERBOSE,	/* -v */
	LOG_DEBUG,	/* -v -v */
};

/* A line under way; zero-initialised is empty. */
struct log_line {
	size_t n;
	char text[LOG_LINE_MAX];
};

/* What is logged; set once, before threads start. */
void log_set_level(enum log_level);
bool log_is(enum log_level);

/* ` key=value`; without the blank at the front of a line. */
void log_span(struct log_line *, const char *key, struct span value);
void log_str(struct log_line *, const char *key, const char *value);
void log_uint(struct log_line *, const char *key, uint64_t value);

/* ns as seconds with six decimals. */
void log_seconds(struct log_line *, const char *key, int64_t ns);

/* ` sid=` and a UUID in its usual form. */
void log_uuid(struct log_line *, const char *key, const unsigned char uuid[16]);

/* End the line and write it. */
void log_write(struct log_line *);

/* A sentence: `smtptapd: ...`. */
void log_sentence(enum log_level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
