#include "inspect/mime.h"

#include "inspect/message.h"
#include "inspect/part.h"

/* What the line under way is. */
enum line {
	LINE_START,	/* nothing of it has been read, but a stuffed dot */
	LINE_UNDECIDED,	/* its front is kept until it is known */
	LINE_FIELD,	/* of the field that is open */
	LINE_TEXT,	/* of a body */
	LINE_REST,	/* behind a delimiter: nothing to look at */
};

#define DELIMITER_MAX	(2 + MIME_BOUNDARY_MAX + 2)	/* --boundary-- */

void
mime_start(struct mime *m, bool stuffed)
{
	memset(m, 0, offsetof(struct mime, levels));
	m->stuffed = stuffed;
	m->lines.crlf = true;
	part_begin(m, PART_LEAF);
}

/* n octets more are part of the header or of the body. */
static void
measure(struct mime *m, uint64_t n)
{
	struct mime_measures *to = &m->measures;
	uint64_t *line = to->in_body ? &to->body_line : &to->header_line;

	*(to->in_body ? &to->body_octets : &to->header_octets) += n;
	if (m->lines.length > *line)
		*line = m->lines.length;
}

static void
body_over(struct mime *m)
{
	m->measures.anomalies |= encoding_end(&m->encoding);
	m->encoding = (struct encoding){ .kind = ENCODING_NONE };
}

/* The header under way is over; what follows is its body. */
static void
begin_body(struct mime *m)
{
	m->measures.in_body = true;
	m->in_header = false;
	switch (part_body(m)) {
	case PART_MULTIPART:
		m->coming.depth = ++m->depth;
		m->levels[m->levels_n++] = m->coming;
		break;
	case PART_MESSAGE:
		m->depth++;
		part_begin(m, PART_LEAF);
		break;
	case PART_LEAF:
		if (m->kind != PART_MULTIPART && !m->skims)
			m->encoding.kind = m->encoded;
	}
}

/* The multipart whose delimiter this line is: of several the one with the
 * longest boundary, as what follows it on the line does not count (RFC 2046
 * 5.1.1). NULL: none. */
static struct mime_level *
delimited(struct mime *m, struct span line)
{
	struct mime_level *best = NULL;

	if (m->levels_n == 0 || line.n < 3 || memcmp(line.p, "--", 2) != 0)
		return NULL;
	for (unsigned i = m->levels_n; i-- > 0;) {
		struct mime_level *l = &m->levels[i];

		if (line.n - 2 >= l->n &&
		    memcmp(line.p + 2, l->boundary, l->n) == 0 &&
		    (best == NULL || l->n > best->n))
			best = l;
	}
	return best;
}

/* Between the parts of that multipart, or behind its last. */
static void
delimit(struct mime *m, const struct mime_level *l, struct span line)
{
	struct span behind = span_from(line, 2 + (size_t)l->n);
	unsigned at = (unsigned)(l - m->levels);

	body_over(m);
	m->depth = l->depth;
	if (!l->longer && span_starts(behind, "--")) {
		m->levels_n = at;
		m->depth--;
		m->in_header = false;
	} else {
		m->levels_n = at + 1;
		part_begin(m, l->digest ? PART_MESSAGE : PART_LEAF);
	}
	m->line = LINE_REST;
}

static void
begin_field(struct mime *m, size_t name, size_t colon)
{
	struct span line = { m->field, m->kept };

	m->line = LINE_FIELD;
	m->open = true;
	m->name = name;
	m->colon = colon;
	m->field_octets = m->kept;
	m->to = m->depth == 0 && span_is((struct span){ m->field, name }, "To");
	if (m->to)
		m->measures.to_addresses += mailboxes_read(&m->mailboxes,
		    span_from(line, colon + 1));
}

/* What mailboxes put before a header (RFC 4155). */
static bool
is_from_line(struct span line)
{
	return (line.n >= 5 && memcmp(line.p, "From ", 5) == 0) ||
	    (line.n >= 6 && memcmp(line.p, ">From ", 6) == 0);
}

/* A line of a header that begins no folded one: a field, the end of the header,
 * or text. */
static void
decide_in_header(struct mime *m, struct span line)
{
	size_t colon, name = message_name(line, &colon);

	if (span_chomp(line).n == 0) {
		m->line = LINE_REST;
		begin_body(m);
	} else if (name) {
		begin_field(m, name, colon);
	} else if (!m->any && is_from_line(line)) {
		m->line = LINE_REST;
	} else {
		if (m->any)
			m->measures.anomalies |= SMTP_ODD(MALFORMED_HEADER);
		m->line = LINE_TEXT;
		begin_body(m);
	}
}

static void
text(struct mime *m, struct span piece)
{
	unsigned max = encoding_line_max(m->encoding.kind);

	if (max && m->lines.length > max)
		m->measures.anomalies |= SMTP_ODD(ENCODED_LINE_LENGTH);
	m->measures.anomalies |= encoding_read(&m->encoding, piece);
}

/* Enough of the line is kept to know what it is. */
static void
decide(struct mime *m)
{
	struct span line = { m->field, m->kept };
	struct mime_level *l = delimited(m, line);
	bool measured = m->measures.in_body;

	if (l) {
		delimit(m, l, line);
		return;
	}
	m->line = LINE_TEXT;
	/* A message within one that has no header has text at once. */
	while (m->in_header && m->line == LINE_TEXT)
		decide_in_header(m, line);
	if (!measured && span_chomp(line).n)
		measure(m, m->kept);
	if (m->line == LINE_TEXT)
		text(m, line);
}

static void
end_field(struct mime *m)
{
	m->open = false;
	if (m->to)
		m->measures.to_addresses += mailboxes_end(&m->mailboxes);
	part_field(m);
}

static void
keep(struct mime *m, struct span piece)
{
	size_t room = sizeof m->field - m->kept;

	if (piece.n > room)
		piece.n = room;
	memcpy(m->field + m->kept, piece.p, piece.n);
	m->kept += piece.n;
}

/* Where a line starts: take the dot that DATA has added, end the field before,
 * or begin the line. */
static void
start_line(struct mime *m, struct span *in)
{
	char c = in->p[0];

	if (c == '.' && m->stuffed && m->lines.crlf && !m->dotted) {
		(void)span_cut(in, 1);
		m->dotted = true;
	} else if (!m->in_header && (m->levels_n == 0 || c != '-')) {
		m->line = LINE_TEXT;
	} else if (m->open && (c == ' ' || c == '\t')) {
		m->line = LINE_FIELD;
	} else if (m->open) {
		end_field(m);
	} else {
		m->line = LINE_UNDECIDED;
		m->kept = 0;
	}
}

static void
end_line(struct mime *m)
{
	m->line = LINE_START;
	m->dotted = false;
}

static void
enter_field(struct mime *m, struct span piece)
{
	m->field_octets += piece.n;
	if (m->to)
		m->measures.to_addresses +=
		    mailboxes_read(&m->mailboxes, piece);
}

/* The line, or what there is of it and may be kept. */
static void
read_line(struct mime *m, struct span *in)
{
	size_t max = m->in_header ? sizeof m->field : DELIMITER_MAX;
	bool ends, decides;
	struct span piece;

	max = m->line == LINE_UNDECIDED ? max - m->kept : in->n;
	piece = span_cut(in, lines_one(&m->lines, *in, max, &ends));
	decides = ends || piece.n == max;
	if (m->line != LINE_UNDECIDED || m->measures.in_body)
		measure(m, piece.n);
	if (m->line == LINE_UNDECIDED || m->line == LINE_FIELD)
		keep(m, piece);
	if (m->line == LINE_FIELD)
		enter_field(m, piece);
	else if (m->line == LINE_UNDECIDED && decides)
		decide(m);
	if (ends)
		end_line(m);
}

/* Lines of text, all that there are. */
static void
read_text(struct mime *m, struct span *in)
{
	struct lines_stop stop = { m->levels_n != 0, m->stuffed };
	bool ends;
	struct span piece = span_cut(in, lines_run(&m->lines, *in, stop, &ends));

	measure(m, piece.n);
	text(m, piece);
	if (ends)
		end_line(m);
}

/* The same without a look at it; there is some of it. */
static void
skim_text(struct mime *m, struct span *in)
{
	size_t n = m->levels_n ? lines_skim(*in) : in->n;

	m->line = in->p[n - 1] == '\n' ? LINE_START : LINE_TEXT;
	m->lines.octets = 0;
	m->lines.cr = false;
	(void)span_cut(in, n);
}

bool
mime_read(struct mime *m, struct span *in, struct mime_find *find)
{
	for (;;) {
		if (m->says && part_find(m, find))
			return true;
		if (in->n == 0)
			return false;
		if (m->line == LINE_START)
			start_line(m, in);
		else if (m->line == LINE_TEXT && m->skims)
			skim_text(m, in);
		else if (m->line == LINE_TEXT)
			read_text(m, in);
		else
			read_line(m, in);
	}
}

bool
mime_end(struct mime *m, struct mime_find *find)
{
	for (;;) {
		if (m->says && part_find(m, find))
			return true;
		if (m->line == LINE_UNDECIDED)
			decide(m);
		else if (m->open)
			end_field(m);
		else
			break;
	}
	body_over(m);
	return false;
}

void
mime_skim(struct mime *m)
{
	m->skims = true;
	m->encoding.kind = ENCODING_NONE;
}

bool
mime_done(const struct mime *m)
{
	return m->measures.in_body && !m->in_header && !m->says &&
	    m->levels_n == 0 && m->encoding.kind == ENCODING_NONE;
}
