/* source: the text of a configuration file, fit for libconfuse.
 *
 * libconfuse passes over in silence a section that does not end and characters
 * it does not know, stays inside a string that does not end for all files to
 * come, and takes no comment within a list. So the text is looked through
 * first: all that is refused here, and comments become blanks. Pure but for
 * reading. */
#ifndef PROXY_SOURCE_H
#define PROXY_SOURCE_H

#include "proxy/report.h"

/* A file, malloc()ed, one NUL at the end. NULL: *why, a static string. */
char *source_read(const char *path, const char **why);

/* Blank out comments. False: an error was reported; file: what it is called. */
bool source_prepare(char *text, const char *file, struct config_report *);

#endif
