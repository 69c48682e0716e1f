#include "tests/fuzz/script_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/transcript.h"

/* The whole file; p = NULL if it cannot be read. The caller frees p. */
static struct span
slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *p = NULL;
	size_t n = 0, room = 0, got = 1;

	if (!f)
		return (struct span){ NULL, 0 };
	while (got) {
		room = room ? 2 * room : 65536;
		p = realloc(p, room);
		if (!p)
			abort();
		got = fread(p + n, 1, room - n, f);
		n += got;
	}
	(void)fclose(f);
	return (struct span){ p, n };
}

/* Lines of one side on end are one segment, a time begins another. */
static const char *
read_transcript(struct script *s, struct span text)
{
	char *room = malloc(text.n + 2);
	struct transcript_line line = { .more = false };

	if (!room)
		abort();
	while (text.n && line.what != TRANSCRIPT_BAD) {
		transcript_parse(&text, room, &line);
		if (line.what == TRANSCRIPT_BYTES)
			script_say(s, line.side, line.bytes.p, line.bytes.n);
		else if (line.what == TRANSCRIPT_FIN ||
		    line.what == TRANSCRIPT_RESET)
			script_end(s, line.side);
	}
	free(room);
	return line.what == TRANSCRIPT_BAD ? line.text.p : NULL;
}

static int
hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static const char *
read_dialogue_line(struct script *s, struct span line, char *room)
{
	enum smtp_side side = line.p[0] == 'C' ? SMTP_CLIENT : SMTP_SERVER;
	size_t n = 0;

	if (line.n < 2 || line.n % 2 || (line.p[0] != 'C' && line.p[0] != 'S'))
		return "a line is neither C nor S and hexadecimal digits";
	for (size_t i = 2; i < line.n; i += 2) {
		int high = hex_value(line.p[i]), low = hex_value(line.p[i + 1]);

		if (high < 0 || low < 0)
			return "a line has odd hexadecimal digits";
		room[n++] = (char)(high << 4 | low);
	}
	script_say(s, side, room, n);
	return NULL;
}

static const char *
read_dialogue(struct script *s, struct span text)
{
	char *room = malloc(text.n + 1);
	const char *why = NULL;

	if (!room)
		abort();
	while (text.n && !why) {
		size_t n = span_line(text);
		struct span line = span_cut(&text, n ? n : text.n);

		line = span_chomp(line);
		if (line.n)
			why = read_dialogue_line(s, line, room);
	}
	free(room);
	return why;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

bool
script_read(struct script *s, const char *path, char error[200])
{
	struct span text = slurp(path);
	const char *why = NULL;

	if (!text.p)
		why = strerror(errno);
	else if (ends_with(path, ".smtp"))
		why = read_transcript(s, text);
	else if (ends_with(path, ".dlg"))
		why = read_dialogue(s, text);
	else if (ends_with(path, ".c2s"))
		script_say(s, SMTP_CLIENT, text.p, text.n);
	else if (ends_with(path, ".s2c"))
		script_say(s, SMTP_SERVER, text.p, text.n);
	else
		why = "neither .smtp, .dlg, .c2s nor .s2c";
	if (why)
		(void)snprintf(error, 200, "%s: %s", path, why);
	free((void *)(uintptr_t)text.p);
	return why == NULL;
}
