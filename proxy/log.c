#include "proxy/log.h"

#include <stdio.h>
#include <unistd.h>

static enum log_level level = LOG_INFO;

void
log_set_level(enum log_level l)
{
	level = l;
}

bool
log_is(enum log_level l)
{
	return l <= level;
}

/* Room is kept for the LF. */
static void
put(struct log_line *l, const char *bytes, size_t n)
{
	size_t room = sizeof(l->text) - 1 - l->n;

	if (n > room)
		n = room;
	memcpy(l->text + l->n, bytes, n);
	l->n += n;
}

static void
put_key(struct log_line *l, const char *key)
{
	if (l->n)
		put(l, " ", 1);
	put(l, key, strlen(key));
	put(l, "=", 1);
}

static bool
is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

static bool
needs_quotes(struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (!is_plain(value.p[i]))
			return true;
	return false;
}

static void
put_quoted(struct log_line *l, struct span value)
{
	size_t end = l->n + LOG_VALUE_MAX - 5;	/* an escape and a quote fit */

	put(l, "\"", 1);
	for (size_t i = 0; i < value.n && l->n < end; i++) {
		char c = value.p[i], escape[5];

		if (is_plain(c) || c == ' ' || c == '=')
			put(l, &c, 1);
		else if (c == '"' || c == '\\')
			put(l, (char[]){ '\\', c }, 2);
		else {
			(void)snprintf(escape, sizeof(escape), "\\x%02x",
			    (unsigned)(unsigned char)c);
			put(l, escape, 4);
		}
	}
	put(l, "\"", 1);
}

void
log_span(struct log_line *l, const char *key, struct span value)
{
	put_key(l, key);
	if (needs_quotes(value))
		put_quoted(l, value);
	else
		put(l, value.p, value.n < LOG_VALUE_MAX ? value.n :
		    LOG_VALUE_MAX);
}

void
log_str(struct log_line *l, const char *key, const char *value)
{
	log_span(l, key, span_of(value));
}

void
log_uint(struct log_line *l, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	log_str(l, key, text);
}

void
log_seconds(struct log_line *l, const char *key, int64_t ns)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "%lld.%06lld",
	    (long long)(ns / 1000000000), (long long)(ns / 1000 % 1000000));
	log_str(l, key, text);
}

void
log_uuid(struct log_line *l, const char *key, const unsigned char uuid[16])
{
	char text[37], *p = text;

	for (int i = 0; i < 16; i++) {
		p += snprintf(p, 3, "%02x", uuid[i]);
		if (i == 3 || i == 5 || i == 7 || i == 9)
			*p++ = '-';
	}
	log_str(l, key, text);
}

void
log_write(struct log_line *l)
{
	l->text[l->n++] = '\n';
	/* a log that cannot be written has nowhere to say so */
	if (write(STDERR_FILENO, l->text, l->n) < 0)
		return;
}

void
log_sentence(enum log_level l, const char *format, ...)
{
	struct log_line line = { 0 };
	va_list args;
	int n;

	if (!log_is(l))
		return;
	put(&line, "smtptapd: ", 10);
	va_start(args, format);
	n = vsnprintf(line.text + line.n, sizeof(line.text) - 1 - line.n,
	    format, args);
	va_end(args);
	if (n > 0)
		line.n += (size_t)n;
	if (line.n > sizeof(line.text) - 2)
		line.n = sizeof(line.text) - 2;
	log_write(&line);
}
