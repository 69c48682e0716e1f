/* wrap: running text in lines that fit a terminal. */
#ifndef PROXY_WRAP_H
#define PROXY_WRAP_H

#include <stdio.h>

#define WRAP_WIDTH 79

/* Print the words of a text from *column on, which is kept up to date; `begin`
 * is what every further line begins with. */
void wrap_text(FILE *, int *column, const char *begin, const char *text);

#endif
