#include "replay/note.h"

#include <stdio.h>

#include "replay/print.h"

void
heap_add(struct heap *h, const struct walk_unit *u)
{
	if (!h->open)
		*h = (struct heap){ .open = true, .side = u->side,
		    .from_us = u->from_us };
	h->t_us = u->t_us;
	h->octets += u->octets;
	h->anomalies |= u->ev.anomalies;
	h->withheld |= u->run.withheld;
	h->made |= u->run.made;
	for (size_t i = 0; i < u->run.n; i++)
		if (u->run.pieces[i].fate == TRACK_PASSED)
			h->passed += u->run.pieces[i].bytes.n;
}

struct transcript_line
heap_mark(const struct heap *h, uint64_t odd)
{
	return (struct transcript_line){
		.side = h->side, .own = h->made,
		.held = h->withheld && !h->made,
		.odd = (h->anomalies & odd) != 0,
	};
}

void
note_octets(char out[NOTE_MAX], uint64_t octets, const char *more)
{
	char n[32];

	(void)snprintf(out, NOTE_MAX, "[%s bytes%s]", print_grouped(n, octets),
	    more);
}

static void
print_digest(char *out, size_t room, struct content *content)
{
	unsigned char sha256[32];
	int used = snprintf(out, room, " sha256 ");

	content_digest(content, sha256);
	for (size_t i = 0; i < sizeof(sha256); i++)
		used += snprintf(out + used, room - (size_t)used, "%02x",
		    sha256[i]);
}

/* What was withheld has no digest that would mean anything to the server. */
static void
note_withheld(char out[NOTE_MAX], const struct heap *h)
{
	char n[32], more[64] = "";

	if (h->passed)
		(void)snprintf(more, sizeof(more), ", %s of them forwarded",
		    print_grouped(n, h->passed));
	note_octets(out, h->octets, more);
}

void
note_body(char out[NOTE_MAX], const struct heap *h, struct content *content,
    const struct note_end *end)
{
	char n[32], more[160] = "";
	uint64_t size = !end->chunk ? content->size : h->octets;
	int used;

	if (h->withheld && !h->made) {
		note_withheld(out, h);
		return;
	}
	if (h->missing)
		(void)snprintf(more, sizeof(more), ", %s of them not recorded",
		    print_grouped(n, h->missing));
	else if (!end->whole)
		(void)snprintf(more, sizeof(more), " unfinished");
	else if (end->last && content->size == size)
		print_digest(more, sizeof(more), content);
	else if (end->last) {
		used = snprintf(more, sizeof(more), "; all %s",
		    print_grouped(n, content->size));
		print_digest(more + used, sizeof(more) - (size_t)used, content);
	}
	note_octets(out, size + h->missing, more);
}
