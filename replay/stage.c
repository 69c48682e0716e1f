#include "replay/stage.h"

#include "record/tls_text.h"

/* The next line, its line end included; all that is left if it has none. */
static struct span
cut_line(struct span *lines)
{
	size_t n = span_line(*lines);

	return span_cut(lines, n ? n : lines->n);
}

void
stage_lines(const struct stage *s, enum smtp_side side, bool own,
    struct span lines)
{
	struct transcript_line how = { .side = side, .own = own,
	    .tls = s->tls };

	if (s->out == NULL)
		return;
	while (lines.n)
		print_line(s->out, s->colored, &how, cut_line(&lines));
	(void)fflush(s->out);
}

void
stage_octets(const struct stage *s, enum smtp_side side, size_t n)
{
	struct transcript_line how = { .side = side, .tls = s->tls };
	char grouped[32], note[48];

	if (s->out == NULL)
		return;
	(void)snprintf(note, sizeof note, "[%s bytes]",
	    print_grouped(grouped, n));
	print_note(s->out, s->colored, &how, note);
	(void)fflush(s->out);
}

void
stage_event(const struct stage *s, const char *what, struct span lines)
{
	if (s->out == NULL)
		return;
	fprintf(s->out, "%s*** %s", print_ink(s->colored, INK_WARNING), what);
	for (const char *between = ": "; lines.n; between = "\n***   ") {
		fputs(between, s->out);
		(void)print_safe(s->out, span_chomp(cut_line(&lines)));
	}
	fprintf(s->out, "%s\n", print_ink(s->colored, INK_PLAIN));
	(void)fflush(s->out);
}

void
stage_secured(struct stage *s, enum smtp_side side,
    const struct recorder_tls *tls)
{
	struct text words = { 0 };

	s->tls = true;
	tls_text(&words, tls);
	stage_event(s, transcript_secured(side), text_all(&words));
	text_free(&words);
}
