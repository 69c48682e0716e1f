/* span: a run of bytes somebody else owns. Never NUL-terminated.
 *
 * A span borrows: whoever hands one out says until when it is good. Letters
 * are folded as ASCII only, whatever the locale. Pure; any thread. */
#ifndef INSPECT_SPAN_H
#define INSPECT_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

#define SPAN(lit) ((struct span){ (lit), sizeof(lit) - 1 })

/* A C string as a span, without its NUL. */
static inline struct span
span_of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

/* Cut the first n bytes off s and return them; n is at most s->n. */
static inline struct span
span_cut(struct span *s, size_t n)
{
	struct span head = { s->p, n };

	if (n)		/* an empty span may have no address */
		s->p += n;
	s->n -= n;
	return head;
}

/* What is left of s without its first n bytes; n is at most s.n. */
static inline struct span
span_from(struct span s, size_t n)
{
	return (struct span){ n ? s.p + n : s.p, s.n - n };
}

static inline unsigned char
span_lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

/* The first n bytes of a and b, n at most both, are alike in any case. */
static inline bool
span_alike(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_lower(a[i]) != span_lower(b[i]))
			return false;
	return true;
}

/* s is this word, in any case. */
static inline bool
span_is(struct span s, const char *word)
{
	return strlen(word) == s.n && span_alike(s.p, word, s.n);
}

/* s begins with this word, in any case. */
static inline bool
span_starts(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && span_alike(s.p, word, n);
}

/* Length of the line at the front, its LF included; 0 if there is no LF. */
static inline size_t
span_line(struct span s)
{
	const char *lf = s.n ? memchr(s.p, '\n', s.n) : NULL;

	return lf ? (size_t)(lf - s.p) + 1 : 0;
}

/* A line without its CRLF or bare LF. */
static inline struct span
span_chomp(struct span s)
{
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

/* s without the blanks and tabs at both ends. */
static inline struct span
span_trim(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_from(s, 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* Cut the word at the front of s, up to a blank, a tab or the end. */
static inline struct span
span_word(struct span *s)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
		n++;
	return span_cut(s, n);
}

#endif
