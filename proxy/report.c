#include "proxy/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_MAX 1024

static void
add_line(char text[CONFIG_REPORT], struct place at, const char *format,
    va_list arguments)
{
	char line[SENTENCE_MAX];
	size_t n = strlen(text);
	int head = at.line ?
	    snprintf(line, sizeof(line) / 2, "%s:%d: ", at.file, at.line) :
	    snprintf(line, sizeof(line) / 2, "%s: ", at.file);

	if (head >= (int)sizeof(line) / 2)
		head = sizeof(line) / 2 - 1;
	(void)vsnprintf(line + head, sizeof(line) - (size_t)head, format,
	    arguments);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	if (n + strlen(line) + 2 <= CONFIG_REPORT)
		(void)sprintf(text + n, "%s\n", line);
}

void
report_error(struct config_report *r, struct place at, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_line(r->errors, at, format, arguments);
	va_end(arguments);
}

void
report_note(struct config_report *r, struct place at, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_line(r->notes, at, format, arguments);
	va_end(arguments);
}
