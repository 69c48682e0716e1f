#include "replay/verdict.h"

void
verdict_depart(struct verdict *v, enum exit_status status)
{
	if (v->status == EXIT_OK)
		v->status = status;
}

/* The lines of a reply as one JSON string, LF between. */
static void
put_lines(struct text *t, struct span lines)
{
	struct text joined = { 0 };
	size_t n;

	while (lines.n) {
		n = span_line(lines);
		if (joined.n)
			text_str(&joined, "\n");
		text_span(&joined, span_chomp(span_cut(&lines,
		    n ? n : lines.n)));
	}
	text_json(t, text_all(&joined));
	text_free(&joined);
}

void
verdict_differ(struct verdict *v, const struct script_reply *was,
    const struct compare_reply *is)
{
	struct text *t = &v->differences;

	verdict_depart(v, EXIT_DIVERGED);
	if (v->differed++ >= VERDICT_DIFFERENCES_MAX)
		return;
	text_printf(t, "%s{\"reply\":%zu,\"verb\":", t->n ? "," : "",
	    v->compared);
	text_json(t, span_of(was ? smtp_verb_name(was->verb) : ""));
	text_str(t, ",\"recorded\":");
	if (was)
		put_lines(t, was->lines);
	else
		text_str(t, "null");
	text_str(t, ",\"came\":");
	put_lines(t, is->lines);
	text_str(t, "}");
}

void
verdict_fini(struct verdict *v)
{
	text_free(&v->differences);
}
