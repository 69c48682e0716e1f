#include "replay/print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "replay/help.h"

static void
say(const char *format, va_list args)
{
	fputs("smtptap: ", stderr);
	(void)vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int
complain(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return status;
}

int
complain_usage(const struct verb *verb, const char *format, ...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return complain(EXIT_USAGE, "%s (see smtptap %s%s)", sentence,
	    verb ? verb->name : "--help", verb ? " --help" : "");
}

bool
open_named(const struct global *g, struct store **store, int *status)
{
	char error[RECORD_ERROR_MAX];

	if (!g->db) {
		*status = complain(EXIT_USAGE,
		    "no recording is named: say --db FILE, or set SMTPTAP_DB");
		return false;
	}
	*store = store_open(g->db, error);
	*status = *store ? EXIT_OK : complain(EXIT_UNREADABLE, "%s", error);
	return *store != NULL;
}

int64_t
find_session(struct store *store, const char *word)
{
	char error[RECORD_ERROR_MAX];
	int64_t id = store_find(store, word, error);

	if (!id)
		(void)complain(EXIT_NO_SESSION, "%s", error);
	return id;
}

bool
print_colored(const struct global *g, FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (g->color != COLOR_AUTO)
		return g->color == COLOR_ALWAYS;
	return isatty(fileno(out)) && !(no && *no) &&
	    term && strcmp(term, "dumb") != 0;
}

const char *
print_ink(bool colored, enum ink ink)
{
	static const char *const sequences[] = {
		[INK_PLAIN] = "\033[0m",
		[INK_CLIENT] = "\033[36m",
		[INK_SERVER] = "\033[32m",
		[INK_OWN] = "\033[35m",
		[INK_EVENT] = "\033[34m",
		[INK_WARNING] = "\033[33m",
		[INK_ATTACK] = "\033[1;31m",
		[INK_GOOD] = "\033[32m",
		[INK_BAD] = "\033[31m",
		[INK_FRAME] = "\033[1m",
	};

	return colored ? sequences[ink] : "";
}

/* Characters of UTF-8. */
static size_t
characters(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static size_t
print_escaped(FILE *out, struct span s, bool front)
{
	char text[1024];
	size_t columns = 0;

	while (s.n) {
		struct span piece = { text, transcript_escape(&s, front, text,
		    sizeof(text)) };

		(void)fwrite(piece.p, 1, piece.n, out);
		columns += characters(piece);
		front = false;
	}
	return columns;
}

size_t
print_safe(FILE *out, struct span s)
{
	return print_escaped(out, s, false);
}

/* Escape into text, but leave the backslashes of the recorder's escapes. */
static size_t
escape_text(struct span *s, char *text, size_t room)
{
	size_t n = transcript_escape(s, false, text, room), to = 0;

	for (size_t from = 0; from < n; from++) {
		text[to++] = text[from];
		if (text[from] == '\\' && text[from + 1] == '\\')
			from++;
	}
	return to;
}

size_t
print_text(FILE *out, struct span s)
{
	char text[1024];
	size_t columns = 0;

	for (s = span_trim(s); s.n; ) {
		struct span piece = { text, escape_text(&s, text,
		    sizeof(text)) };

		(void)fwrite(piece.p, 1, piece.n, out);
		columns += characters(piece);
	}
	return columns;
}

size_t
print_cut(FILE *out, struct span s, size_t room)
{
	char text[1024];
	size_t n, columns, end = 0;

	s = span_trim(s);
	n = escape_text(&s, text, sizeof(text));
	columns = characters((struct span){ text, n });
	if (columns <= room && !s.n) {
		(void)fwrite(text, 1, n, out);
		return columns;
	}
	if (!room)
		return 0;
	/* up to the character that would take the last column */
	for (columns = 0; end < n; end++)
		if (((unsigned char)text[end] & 0xc0) != 0x80 &&
		    ++columns == room)
			break;
	(void)fwrite(text, 1, end, out);
	fputc('~', out);
	return room;
}

/* What colour the line has. */
static enum ink
ink_of(const struct transcript_line *line)
{
	if (line->own)
		return INK_OWN;
	if (line->held || line->odd)
		return INK_WARNING;
	return line->side == SMTP_CLIENT ? INK_CLIENT : INK_SERVER;
}

void
print_line(FILE *out, bool colored, const struct transcript_line *how,
    struct span line)
{
	bool lf = line.n && line.p[line.n - 1] == '\n';

	if (line.n >= 2 && memcmp(line.p + line.n - 2, "\r\n", 2) == 0)
		line.n -= 2;
	fputs(print_ink(colored, ink_of(how)), out);
	fputs(transcript_mark(how), out);
	(void)print_escaped(out, line, true);
	if (!lf)
		fputs("\\c", out);
	fputs(print_ink(colored, INK_PLAIN), out);
	fputc('\n', out);
}

void
print_note(FILE *out, bool colored, const struct transcript_line *how,
    const char *note)
{
	fprintf(out, "%s%s%s%s\n", print_ink(colored, ink_of(how)),
	    transcript_mark(how), note, print_ink(colored, INK_PLAIN));
}

char *
print_grouped(char out[32], uint64_t n)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = out;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return out;
}

struct span
column_span(sqlite3_stmt *row, int column)
{
	const char *p = (const char *)sqlite3_column_text(row, column);

	return (struct span){ p ? p : "",
	    p ? (size_t)sqlite3_column_bytes(row, column) : 0 };
}

size_t
print_width(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)) ||
	    ioctl(fileno(out), TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

int
print_finish(FILE *out)
{
	if (fflush(out) == 0 && !ferror(out))
		return EXIT_OK;
	return complain(EXIT_USAGE, "the output cannot be written: %s",
	    strerror(errno));
}
