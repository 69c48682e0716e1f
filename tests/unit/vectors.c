#include "tests/unit/vectors.h"

#include <stdio.h>

#define FILE_MAX 65536
#define EARLY "client< has its first line before S> sends its second"

struct reader {
	struct vector *list;
	size_t n;
};

static int
hex(char c)
{
	const char *digits = "0123456789abcdef", *at;

	at = c ? memchr(digits, (int)span_lower(c), 16) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* The octet that an escape at the front of in stands for; cuts it off. */
static bool
unescape(struct span *in, char *out)
{
	char c = in->n ? in->p[0] : '\0';

	if (c == 'x' && in->n >= 3 && hex(in->p[1]) >= 0 && hex(in->p[2]) >= 0) {
		*out = (char)(hex(in->p[1]) << 4 | hex(in->p[2]));
		(void)span_cut(in, 3);
		return true;
	}
	if (c != 'r' && c != 'n' && c != '"' && c != '\\')
		return false;
	*out = c == 'r' ? '\r' : c == 'n' ? '\n' : c;
	(void)span_cut(in, 1);
	return true;
}

/* A C string, all of in, into room octets. */
static const char *
read_string(struct span in, char *out, size_t room, size_t *n)
{
	if (in.n < 2 || in.p[0] != '"' || in.p[in.n - 1] != '"')
		return "no string";
	in = (struct span){ in.p + 1, in.n - 2 };
	for (*n = 0; in.n; (*n)++) {
		char c = *span_cut(&in, 1).p;

		if (*n == room)
			return "string too long";
		if (c == '"' || (c == '\\' && !unescape(&in, &c)))
			return "no escape that is known";
		out[*n] = c;
	}
	return NULL;
}

static const char *
add_step(struct vector *v, enum smtp_side side, struct span string)
{
	struct vector_step *s = &v->steps[v->n_steps];

	if (v->n_steps == VECTOR_STEPS_MAX)
		return "too many steps";
	v->n_steps++;
	s->side = side;
	return read_string(string, s->bytes, sizeof s->bytes, &s->n);
}

static const char *
add_arrival(struct vector *v, enum smtp_side side, struct span string)
{
	if (v->arrives[side].given)
		return "given twice";
	v->arrives[side].given = true;
	return read_string(string, v->arrives[side].bytes,
	    sizeof v->arrives[side].bytes, &v->arrives[side].n);
}

static const char *
add_policy(struct vector *v, struct span option)
{
	size_t n = strlen(v->policy);

	if (n + option.n + 2 > sizeof v->policy)
		return "policy too long";
	(void)snprintf(v->policy + n, sizeof v->policy - n, "%.*s\n",
	    (int)option.n, option.p);
	return NULL;
}

static const char *
check_case(const struct vector *v)
{
	return v->n_steps && v->arrives[0].given && v->arrives[1].given ?
	    NULL : "the case before this line lacks something";
}

static const char *
begin_case(struct reader *r, struct span rest)
{
	struct vector *v = &r->list[r->n];
	const char *why = r->n ? check_case(v - 1) : NULL;
	struct span name = span_word(&rest);

	if (why || r->n == VECTORS_MAX)
		return why ? why : "too many cases";
	if (name.n < 2 || name.n > sizeof v->name || name.p[name.n - 1] != ':')
		return "no name";
	*v = (struct vector){ 0 };
	memcpy(v->name, name.p, name.n - 1);
	r->n++;
	return NULL;
}

static const char *
read_line(struct reader *r, struct span line)
{
	struct vector *v = r->n ? &r->list[r->n - 1] : NULL;
	struct span rest = span_trim(span_chomp(line)), word;

	if (rest.n == 0 || rest.p[0] == '#')
		return NULL;
	word = span_word(&rest);
	rest = span_trim(rest);
	if (span_is(word, "case"))
		return begin_case(r, rest);
	if (v == NULL)
		return "outside of a case";
	if (span_is(word, "policy:"))
		return add_policy(v, rest);
	if (span_is(word, "feed:") && span_is(rest, "byte"))
		return NULL;
	if (span_is(word, "early:") && span_is(rest, EARLY))
		return v->early = true, NULL;
	if (span_is(word, "S>") || span_is(word, "C>"))
		return add_step(v, word.p[0] == 'C' ? SMTP_CLIENT : SMTP_SERVER,
		    rest);
	if (span_is(word, "server<") || span_is(word, "client<"))
		return add_arrival(v, word.p[0] == 'c' ? SMTP_CLIENT :
		    SMTP_SERVER, rest);
	return "not known";
}

size_t
vectors_load(const char *path, struct vector list[VECTORS_MAX],
    char error[VECTORS_ERROR])
{
	static char text[FILE_MAX];
	struct reader r = { list, 0 };
	FILE *f = fopen(path, "rb");
	struct span rest = { text, f ? fread(text, 1, sizeof text, f) : 0 };
	const char *why = rest.n && rest.n < sizeof text ? NULL :
	    "cannot be read, or is too long";
	int number;

	if (f)
		(void)fclose(f);
	for (number = 0; rest.n && !why; number++) {
		size_t n = span_line(rest);

		why = read_line(&r, span_cut(&rest, n ? n : rest.n));
	}
	if (!why)
		why = r.n ? check_case(&list[r.n - 1]) : "no cases";
	if (why)
		(void)snprintf(error, VECTORS_ERROR, "%s:%d: %s", path, number,
		    why);
	return why ? 0 : r.n;
}
