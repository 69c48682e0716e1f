#include "tests/unit/scrubbing.h"

#include <check.h>

struct gate_name names[4];

struct scrub
options(int which)
{
	return (struct scrub){ .names = names, .n_names = 4,
	    .host = SPAN("front.example"), .our_text = SPAN("10.0.0.5"),
	    .client_text = SPAN("192.0.2.7"), .hosts = which & HOSTS,
	    .text = which & TEXT, .queue_ids = which & IDS };
}

void
set_name(struct gate_name *name, const char *text)
{
	name->n = (unsigned char)strlen(text);
	memcpy(name->p, text, name->n);
}

void
scrubbing_set_up(void)
{
	set_name(&names[0], "mail.corp.example");
	set_name(&names[1], "Ex01");
	set_name(&names[2], "");
	set_name(&names[3], "198.51.100.4");
}

struct smtp_event
event(enum smtp_verb verb, struct span line, bool first)
{
	struct span text = span_chomp(line);

	return (struct smtp_event){ .tile = SMTP_REPLY, .side = SMTP_SERVER,
	    .verb = verb, .code = (line.p[0] - '0') * 100 +
	    (line.p[1] - '0') * 10 + line.p[2] - '0', .first = first,
	    .raw = line, .text = span_from(text, text.n > 3 ? 4 : 3) };
}

/* The line with its edits done, which are in order and within its text. */
static size_t
edited(const struct smtp_event *ev, const struct gate_edit *edits, unsigned n,
    char *out)
{
	const char *at = ev->raw.p, *end = ev->raw.p + ev->raw.n;
	size_t made = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t kept = (size_t)(edits[i].out.p - at);

		ck_assert(edits[i].out.p >= at && edits[i].out.p >= ev->text.p);
		memcpy(out + made, at, kept);
		made += kept;
		if (edits[i].in.n)
			memcpy(out + made, edits[i].in.p, edits[i].in.n);
		made += edits[i].in.n;
		at = edits[i].out.p + edits[i].out.n;
		ck_assert(at <= ev->text.p + ev->text.n);
	}
	memcpy(out + made, at, (size_t)(end - at));
	return made + (size_t)(end - at);
}

size_t
scrubbed(const struct scrub *s, enum smtp_verb verb, struct span line,
    bool first, unsigned most, char *out)
{
	struct smtp_event ev = event(verb, line, first);
	struct gate_edit edits[GATE_EDITS_MAX];
	char made[GATE_MADE_MAX];
	size_t n_made = 0;
	unsigned n = scrub_line(s, &ev, edits, most, made, &n_made);

	ck_assert_uint_le(n, most);
	ck_assert_uint_le(n_made, sizeof(made));
	return edited(&ev, edits, n, out);
}
