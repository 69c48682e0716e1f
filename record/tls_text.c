#include "record/tls_text.h"

#include <stdio.h>
#include <string.h>

/* Without what a terminal would take for something else. */
static void
put_plain(struct text *t, const char *s, char other)
{
	for (; *s; s++)
		text_put(t, *s < ' ' || *s > '~' || *s == other ? "?" : s, 1);
}

/* A name, as one word; a list of them has commas without blanks. */
static void
put_word(struct text *t, const char *before, const char *word)
{
	if (!word[0])
		return;
	text_str(t, before);
	put_plain(t, word, ' ');
}

void
tls_text(struct text *t, const struct recorder_tls *tls)
{
	put_word(t, "", tls->version[0] ? tls->version : "TLS");
	put_word(t, " ", tls->cipher);
	put_word(t, " ", tls->cipher[0] ? tls->group : "");
	put_word(t, ", sni ", tls->sni);
	put_word(t, ", alpn ", tls->alpn);
	text_str(t, tls->resumed ? ", resumed" : "");
	if (tls->handshake_us >= 0)
		text_printf(t, ", %lld.%03lld ms",
		    (long long)(tls->handshake_us / 1000),
		    (long long)(tls->handshake_us % 1000));
	if (tls->verified[0]) {
		text_str(t, ", verified: ");
		put_plain(t, tls->verified, '\0');
	}
}

/* Cut off the front what ends before the separator. */
static struct span
cut_until(struct span *s, const char *separator)
{
	size_t n = strlen(separator);
	const char *end = s->n ? memmem(s->p, s->n, separator, n) : NULL;
	struct span front = span_cut(s, end ? (size_t)(end - s->p) : s->n);

	(void)span_cut(s, end ? n : 0);
	return front;
}

/* "1.234 ms" in us; -1: it is none. */
static int64_t
parse_ms(struct span s)
{
	int64_t us = 0;
	size_t decimals = 0;
	bool point = false;

	if (s.n < 4 || s.n > 15 || memcmp(s.p + s.n - 3, " ms", 3) != 0)
		return -1;
	for (size_t i = 0; i < s.n - 3; i++) {
		if (s.p[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		if (decimals == 3)
			continue;
		us = us * 10 + (s.p[i] - '0');
		decimals += point;
	}
	for (; decimals < 3; decimals++)
		us *= 10;
	return us;
}

static bool
take_word(struct span word, const char *name, char *to, size_t room)
{
	if (!span_starts(word, name))
		return false;
	text_copy(to, room, span_from(word, strlen(name)));
	return true;
}

static void
parse_algorithms(struct span words, struct recorder_tls *tls)
{
	struct span version = cut_until(&words, " ");

	if (!span_is(version, "TLS"))
		text_copy(tls->version, sizeof(tls->version), version);
	text_copy(tls->cipher, sizeof(tls->cipher), cut_until(&words, " "));
	text_copy(tls->group, sizeof(tls->group), cut_until(&words, " "));
}

void
tls_text_parse(struct span s, struct recorder_tls *tls)
{
	parse_algorithms(cut_until(&s, ", "), tls);
	tls->handshake_us = -1;
	while (s.n) {
		struct span rest = s, word = cut_until(&s, ", ");

		if (take_word(rest, "verified: ", tls->verified,
		    sizeof(tls->verified)))
			break;
		if (take_word(word, "sni ", tls->sni, sizeof(tls->sni)) ||
		    take_word(word, "alpn ", tls->alpn, sizeof(tls->alpn)))
			continue;
		if (span_is(word, "resumed"))
			tls->resumed = true;
		else if (tls->handshake_us < 0)
			tls->handshake_us = parse_ms(word);
	}
}

void
tls_text_short(char *to, size_t room, const struct recorder_tls *tls)
{
	(void)snprintf(to, room, "%s%s%s", tls->version[0] ? tls->version :
	    "TLS", tls->cipher[0] ? " " : "", tls->cipher);
}
