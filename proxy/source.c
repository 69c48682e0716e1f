#include "proxy/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_FIRST	16384		/* octets that are asked for at first */
#define SOURCE_MAX	(4 << 20)	/* octets of a file */
#define DEPTH_MAX	16		/* braces within each other */

/* A text being looked through. */
struct scan {
	char *p;
	struct place at;
	struct config_report *report;
	int open[DEPTH_MAX];	/* on which lines a { still waits for its } */
	unsigned depth;
};

static char *
read_whole(FILE *f, const char **why)
{
	size_t n = 0, size = SOURCE_FIRST / 2;
	char *text = NULL, *more;

	do {
		size *= 2;
		more = realloc(text, size + 1);
		if (more == NULL) {
			*why = strerror(ENOMEM);
			free(text);
			return NULL;
		}
		text = more;
		n += fread(text + n, 1, size - n, f);
	} while (n == size && size < SOURCE_MAX);
	text[n] = '\0';
	*why = ferror(f) ? strerror(errno) : n == size ? "it is over 4 MiB" :
	    strlen(text) < n ? "it is not a text" : NULL;
	if (*why == NULL)
		return text;
	free(text);
	return NULL;
}

char *
source_read(const char *path, const char **why)
{
	FILE *f = fopen(path, "re");
	char *text;

	if (f == NULL) {
		*why = strerror(errno);
		return NULL;
	}
	text = read_whole(f, why);
	(void)fclose(f);
	return text;
}

static bool
refuse(const struct scan *s, int line, const char *why)
{
	report_error(s->report, (struct place){ s->at.file, line }, "%s", why);
	return false;
}

static void
blank_line(struct scan *s)
{
	while (*s->p && *s->p != '\n')
		*s->p++ = ' ';
}

static bool
blank_block(struct scan *s)
{
	int begin = s->at.line;
	char *end = strstr(s->p + 2, "*/");

	if (end == NULL)
		return refuse(s, begin, "the comment that begins here has no "
		    "end");
	for (end += 2; s->p < end; s->p++)
		if (*s->p == '\n')
			s->at.line++;
		else
			*s->p = ' ';
	return true;
}

/* libconfuse knows more escapes, some of which it gives up on. */
static bool
is_escape(char quote, const char *p)
{
	if (quote == '\'')
		return p[1] >= ' ';
	if (p[1] == 'x')
		return strncmp(p + 2, "00", 2) != 0;
	return p[1] >= ' ' && !(p[1] >= '0' && p[1] <= '9');
}

static bool
pass_string(struct scan *s)
{
	char quote = *s->p++;

	for (; *s->p != quote; s->p++) {
		if (*s->p == '\0' || *s->p == '\n')
			return refuse(s, s->at.line, "a string has no end on "
			    "this line");
		if (*s->p != '\\')
			continue;
		if (!is_escape(quote, s->p))
			return refuse(s, s->at.line, "a backslash and a digit "
			    "in a string: write \\\\ for a backslash, \\xNN "
			    "for an octet");
		s->p++;
	}
	s->p++;
	return true;
}

static bool
pass_brace(struct scan *s)
{
	if (*s->p++ == '{') {
		if (s->depth == DEPTH_MAX)
			return refuse(s, s->at.line, "too many braces within "
			    "each other");
		s->open[s->depth++] = s->at.line;
		return true;
	}
	if (s->depth == 0)
		return refuse(s, s->at.line, "a } without its {");
	s->depth--;
	return true;
}

static bool
pass_one(struct scan *s)
{
	char c = *s->p;

	if (c == '{' || c == '}')
		return pass_brace(s);
	if (c == '"' || c == '\'')
		return pass_string(s);
	if (c == '*' || (c == '+' && s->p[1] != '='))
		return refuse(s, s->at.line, "a * or + outside of quotes; "
		    "\"...\" is accepted");
	if ((c >= 0 && c < ' ' && strchr("\t\r\n", c) == NULL) || c == 0x7f)
		return refuse(s, s->at.line, "a control character");
	if (c == '\n')
		s->at.line++;
	s->p++;
	return true;
}

bool
source_prepare(char *text, const char *file, struct config_report *report)
{
	struct scan s = { .p = text, .at = { file, 1 }, .report = report };

	while (*s.p) {
		bool begins = s.p == text || strchr(" \t\r\n{}(),=", s.p[-1]);

		if (*s.p == '#' || (begins && strncmp(s.p, "//", 2) == 0))
			blank_line(&s);
		else if (!(strncmp(s.p, "/*", 2) == 0 ? blank_block(&s) :
		    pass_one(&s)))
			return false;
	}
	if (s.depth)
		return refuse(&s, s.open[s.depth - 1], "the { of this line has "
		    "no }");
	return true;
}
