/* header: what is odd about the header of a message (RFC 5322, MIME). */
#include "inspect/message.h"

#include "inspect/smtp.h"

#define NAME_OCTETS	128	/* no field we know of has half of that */
#define FIELD_OCTETS	2000	/* References and DKIM-Signature stay below */
#define BOUNDARY_OCTETS	70	/* RFC 2046 5.1.1 */
#define FILENAME_OCTETS	255	/* longest name most file systems take */

/* At most one of each in a message (RFC 5322 3.6; RFC 2045 3, by its grammar). */
static const char *const once[] = {
	"Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID",
	"In-Reply-To", "References", "Subject", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", "Content-Disposition",
};

/* Octets of the value at the front of s: a quoted string or a token. */
static size_t
value_length(struct span s)
{
	const char *end;
	size_t n = 0;

	if (s.n && s.p[0] == '"') {
		end = memchr(s.p + 1, '"', s.n - 1);
		return end ? (size_t)(end - s.p) - 1 : s.n - 1;
	}
	while (n < s.n && s.p[n] > ' ' && s.p[n] != ';')
		n++;
	return n;
}

/* Octets of the longest value of a parameter in a field's body, in any form of
 * RFC 2231: name=, name*=, name*0=, name*0*=. */
static size_t
parameter_length(struct span body, const char *name)
{
	size_t longest = 0, n = strlen(name), value;

	for (size_t i = 1; i + n < body.n; i++) {
		struct span rest = span_from(body, i);
		char before = body.p[i - 1];

		if ((before != ';' && before != ' ' && before != '\t' &&
		    before != '\n') || !span_starts(rest, name))
			continue;
		rest = span_from(rest, n);
		while (rest.n && (rest.p[0] == '*' ||
		    (rest.p[0] >= '0' && rest.p[0] <= '9')))
			rest = span_from(rest, 1);
		if (rest.n == 0 || rest.p[0] != '=')
			continue;
		value = value_length(span_from(rest, 1));
		if (value > longest)
			longest = value;
	}
	return longest;
}

static uint64_t
odd_mime(const struct message_field *f)
{
	uint64_t odd = 0;

	if (!span_starts(f->name, "Content-"))
		return 0;
	if (parameter_length(f->body, "boundary") > BOUNDARY_OCTETS)
		odd |= SMTP_ODD(BOUNDARY_LENGTH);
	if (parameter_length(f->body, "filename") > FILENAME_OCTETS ||
	    parameter_length(f->body, "name") > FILENAME_OCTETS)
		odd |= SMTP_ODD(FILENAME_LENGTH);
	return odd;
}

static uint64_t
odd_field(const struct message_field *f, uint64_t *seen)
{
	uint64_t odd = odd_mime(f);

	if (f->name.n > NAME_OCTETS)
		odd |= SMTP_ODD(FIELD_NAME_LENGTH);
	if (f->body.n > FIELD_OCTETS)
		odd |= SMTP_ODD(FIELD_LENGTH);
	for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
		if (!span_is(f->name, once[i]))
			continue;
		if (*seen >> i & 1)
			odd |= SMTP_ODD(DUPLICATE_FIELD);
		*seen |= UINT64_C(1) << i;
	}
	return odd;
}

uint64_t
message_odd(struct span header)
{
	struct message_field f;
	const char *start = header.p;
	uint64_t odd = 0, seen = 0;

	while (message_next(&header, &f))
		odd |= odd_field(&f, &seen);
	/* Not the empty line, nor where the header was cut off, nor a message that
	 * has no header at all. */
	if (header.p != start && span_line(header) &&
	    header.p[0] != '\r' && header.p[0] != '\n')
		odd |= SMTP_ODD(MALFORMED_HEADER);
	return odd;
}
