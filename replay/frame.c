#include "replay/frame.h"


#include "replay/print.h"
#include "replay/rows.h"

/* A word: never empty, never with a blank in it. */
static void
put_word(FILE *out, const char *before, struct span s)
{
	fputs(before, out);
	if (!s.n)
		s = SPAN("-");
	while (s.n) {
		const char *blank = memchr(s.p, ' ', s.n);
		size_t n = blank ? (size_t)(blank - s.p) : s.n;

		(void)print_text(out, span_cut(&s, n));
		if (blank) {
			fputs("\\x20", out);
			(void)span_cut(&s, 1);
		}
	}
}

void
frame_head(FILE *out, bool colored, sqlite3_stmt *row, bool whole)
{
	fputs(print_ink(colored, INK_FRAME), out);
	put_word(out, "=== session ", column_span(row, SESSION_ID));
	put_word(out, "  ", column_span(row, SESSION_STARTED_AT));
	put_word(out, "  ", column_span(row, SESSION_CLIENT));
	put_word(out, " -> ", column_span(row, SESSION_UPSTREAM));
	if (whole) {
		put_word(out, "  listener=",
		    column_span(row, SESSION_LISTENER));
		put_word(out, " original-dst=",
		    column_span(row, SESSION_ORIGINAL_DST));
	}
	fprintf(out, "%s\n", print_ink(colored, INK_PLAIN));
}

void
frame_tail(FILE *out, bool colored, sqlite3_stmt *row, int decimals)
{
	struct span by = column_span(row, SESSION_ENDED_BY);
	int64_t us = sqlite3_column_int64(row, SESSION_DURATION_US);

	fputs(print_ink(colored, INK_FRAME), out);
	if (sqlite3_column_type(row, SESSION_ENDED_BY) == SQLITE_NULL) {
		fputs("# still open", out);
	} else {
		fputs(span_is(by, "interrupted") ? "=== " : "=== closed by ",
		    out);
		(void)print_text(out, by);
	}
	if (sqlite3_column_type(row, SESSION_DURATION_US) != SQLITE_NULL)
		fprintf(out, "  %.*fs", decimals, (double)us / 1e6);
	fprintf(out, "%s\n", print_ink(colored, INK_PLAIN));
}
