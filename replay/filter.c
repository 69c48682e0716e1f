#include "replay/filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "replay/moment.h"

static void
bind_number(struct filter *f, const char *parameter, int64_t number)
{
	f->bound[f->nbound++] = (struct filter_bound){ parameter, NULL,
	    number };
}

static bool
take_text(struct filter *f, const char *parameter, const char *value,
    int64_t now_us)
{
	(void)now_us;
	f->bound[f->nbound++] = (struct filter_bound){ parameter, value, 0 };
	return value[0] != '\0';
}

/* A word that stands alone. */
static bool
take_nothing(struct filter *f, const char *parameter, const char *value,
    int64_t now_us)
{
	(void)now_us;
	bind_number(f, parameter, 1);
	return value[0] == '\0';
}

/* 550, 5xx, 25x. */
static bool
take_code(struct filter *f, const char *parameter, const char *value,
    int64_t now_us)
{
	int from = 0, to = 0;

	(void)now_us;
	if (strlen(value) != 3 || value[0] < '1' || value[0] > '9' ||
	    (span_lower(value[1]) == 'x' && span_lower(value[2]) != 'x'))
		return false;
	for (int i = 0; i < 3; i++) {
		bool any = span_lower(value[i]) == 'x';

		if (!any && (value[i] < '0' || value[i] > '9'))
			return false;
		from = from * 10 + (any ? 0 : value[i] - '0');
		to = to * 10 + (any ? 9 : value[i] - '0');
	}
	bind_number(f, parameter, from);
	bind_number(f, ":code_to", to);
	return true;
}

static bool
take_duration(struct filter *f, const char *parameter, const char *value,
    int64_t now_us)
{
	int64_t us;

	(void)now_us;
	if (!moment_span(value, &us))
		return false;
	bind_number(f, parameter, us);
	return true;
}

static bool
take_size(struct filter *f, const char *parameter, const char *value,
    int64_t now_us)
{
	static const char units[] = "kmg";
	const char *unit;
	char *end;
	long long n;
	int shift = 0;

	(void)now_us;
	errno = 0;
	n = strtoll(value, &end, 10);
	if (end == value || errno || n < 0)
		return false;
	if (*end && (unit = strchr(units, span_lower(*end))) != NULL) {
		shift = 10 * (int)(unit - units + 1);
		end++;
		end += strcmp(end, "iB") == 0 ? 2 : 0;
	}
	end += strcmp(end, "B") == 0;
	if (*end || n > INT64_MAX >> shift)
		return false;
	bind_number(f, parameter, (int64_t)n << shift);
	return true;
}

static bool
take_since(struct filter *f, const char *parameter, const char *value,
    int64_t now_us)
{
	struct moment m;

	if (!moment_parse(value, now_us, &m))
		return false;
	bind_number(f, parameter, m.from_us);
	return true;
}

static bool
take_until(struct filter *f, const char *parameter, const char *value,
    int64_t now_us)
{
	struct moment m;

	if (!moment_parse(value, now_us, &m))
		return false;
	bind_number(f, parameter, m.to_us);
	return true;
}

/* An address as IPv6; *bits is how many it has. */
static bool
read_address(const char *text, struct in6_addr *address, unsigned *bits)
{
	struct in_addr v4;

	*bits = 128;
	if (inet_pton(AF_INET6, text, address) == 1)
		return true;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return false;
	*bits = 32;
	memset(address, 0, 10);
	memset(address->s6_addr + 10, 0xff, 2);
	memcpy(address->s6_addr + 12, &v4, 4);
	return true;
}

static bool
take_client(struct filter *f, const char *parameter, const char *value,
    int64_t now_us)
{
	char address[INET6_ADDRSTRLEN + 1] = "";
	size_t n = strcspn(value, "/");
	unsigned bits;
	unsigned long given;
	char *end;

	(void)parameter;
	(void)now_us;
	if (n >= sizeof(address))
		return false;
	memcpy(address, value, n);
	if (!read_address(address, &f->client.address, &bits))
		return false;
	given = bits;
	if (value[n]) {
		if (value[n + 1] < '0' || value[n + 1] > '9')
			return false;
		given = strtoul(value + n + 1, &end, 10);
		if (*end || given > bits)
			return false;
	}
	f->client.bits = 128 - bits + (unsigned)given;
	f->by_client = true;
	return true;
}

static const struct word {
	const char *word, *parameter;
	bool (*take)(struct filter *, const char *parameter,
	    const char *value, int64_t now_us);
	const char *wants;
} table[] = {
	{ "from:", ":sender", take_text, "text" },
	{ "rcpt:", ":recipient", take_text, "text" },
	{ "helo:", ":helo", take_text, "text" },
	{ "subject:", ":subject", take_text, "text" },
	{ "qid:", ":queue_id", take_text, "text" },
	{ "verb:", ":verb", take_text, "a verb" },
	{ "event:", ":event", take_text, "the name of an event" },
	{ "rule:", ":rule", take_text, "the name of a rule" },
	{ "rewritten", ":rewritten", take_nothing, "nothing behind it" },
	{ "tls:", ":tls", take_text, "yes, no or text" },
	{ "client:", "", take_client, "an address or a network" },
	{ "code:", ":code_from", take_code, "a code such as 550 or 5xx" },
	{ "dur>", ":longer_us", take_duration, "a time such as 2s" },
	{ "dur<", ":shorter_us", take_duration, "a time such as 100ms" },
	{ "size>", ":larger", take_size, "octets, such as 512 or 1M" },
	{ "size<", ":smaller", take_size, "octets, such as 512 or 1M" },
	{ "since:", ":since_us", take_since,
	    "a time such as 2h, 2026-11-22 or 2026-11-22T10:30" },
	{ "until:", ":until_us", take_until,
	    "a time such as 2h, 2026-11-22 or 2026-11-22T10:30" },
};

#define WORDS (sizeof(table) / sizeof(table[0]))

static bool
refuse(char error[FILTER_ERROR_MAX], const char *why, const char *what)
{
	(void)snprintf(error, FILTER_ERROR_MAX, "filter \"%.80s\": %.140s",
	    what, why);
	return false;
}

static bool
take_word(struct filter *f, const char *word, int64_t now_us,
    bool given[WORDS], char error[FILTER_ERROR_MAX])
{
	for (size_t i = 0; i < WORDS; i++) {
		const struct word *w = &table[i];
		char why[128];

		if (!span_starts(span_of(word), w->word))
			continue;
		if (given[i])
			return refuse(error, "is given twice", word);
		given[i] = true;
		if (w->take(f, w->parameter, word + strlen(w->word), now_us))
			return true;
		(void)snprintf(why, sizeof(why), "%s wants %s", w->word,
		    w->wants);
		return refuse(error, why, word);
	}
	return refuse(error, "no such word; from: rcpt: helo: client: code: "
	    "verb: tls: dur> dur< size> size< since: until: subject: event: "
	    "rule: qid: and rewritten are", word);
}

/* Cut the next word off *s into memory, its quotes taken off. NULL: none left,
 * or no room (*s is then not at its end). */
static const char *
next_word(struct filter *f, const char **s)
{
	const char *word = f->memory + f->used;
	bool quoted = false;

	*s += strspn(*s, " \t");
	if (!**s)
		return NULL;
	for (; **s && (quoted || (**s != ' ' && **s != '\t')); ++*s) {
		if (**s == '"') {
			quoted = !quoted;
			continue;
		}
		if (f->used == sizeof(f->memory) - 1)
			return NULL;
		f->memory[f->used++] = **s;
	}
	f->memory[f->used++] = '\0';
	return word;
}

bool
filter_parse(struct filter *f, char **words, int n, int64_t now_us,
    char error[FILTER_ERROR_MAX])
{
	bool given[WORDS] = { false };

	*f = (struct filter){ .used = 0 };
	for (int i = 0; i < n; i++) {
		const char *rest = words[i], *word;

		while ((word = next_word(f, &rest)) != NULL)
			if (!take_word(f, word, now_us, given, error))
				return false;
		if (*rest || f->used == sizeof(f->memory))
			return refuse(error, "too long", "...");
	}
	return true;
}

void
filter_bind(const struct filter *f, sqlite3_stmt *query)
{
	for (unsigned i = 0; i < f->nbound; i++) {
		const struct filter_bound *b = &f->bound[i];
		int at = sqlite3_bind_parameter_index(query, b->parameter);

		/* the statement is prepared and reset: binding cannot fail
		 * but for memory, and then it filters less */
		if (b->text)
			(void)sqlite3_bind_text(query, at, b->text, -1,
			    SQLITE_STATIC);
		else
			(void)sqlite3_bind_int64(query, at, b->number);
	}
}

/* "192.0.2.7:25", "[2001:db8::1]:25" without its port and brackets. */
static bool
read_client(struct span client, struct in6_addr *address)
{
	char text[INET6_ADDRSTRLEN + 1];
	unsigned bits;

	while (client.n && client.p[client.n - 1] != ':')
		client.n--;
	client.n -= client.n > 0;
	if (client.n >= 2 && client.p[0] == '[' &&
	    client.p[client.n - 1] == ']')
		client = (struct span){ client.p + 1, client.n - 2 };
	if (client.n >= sizeof(text))
		return false;
	memcpy(text, client.p, client.n);
	text[client.n] = '\0';
	return read_address(text, address, &bits);
}

bool
filter_wants_client(const struct filter *f, struct span client)
{
	struct in6_addr address;
	unsigned whole = f->client.bits / 8, rest = f->client.bits % 8;
	unsigned mask = 0xff00u >> rest & 0xff;

	if (!f->by_client)
		return true;
	if (!read_client(client, &address) ||
	    memcmp(&address, &f->client.address, whole) != 0)
		return false;
	return !rest || !((address.s6_addr[whole] ^
	    f->client.address.s6_addr[whole]) & mask);
}
