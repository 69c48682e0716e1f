#include "inspect/part.h"

#include "inspect/message.h"

#define NAME_OCTETS	128	/* no field we know of has half of that */
#define FIELD_OCTETS	2000	/* References and DKIM-Signature stay below */
#define FILENAME_OCTETS	255	/* longest name most file systems take */

/* What a whole field still has to say. */
enum says { SAYS_NOTHING, SAYS_TYPE, SAYS_ENCODING, SAYS_PARAMETERS };

/* At most one of each in a message (RFC 5322 3.6; RFC 2045 3, by its grammar);
 * in a part, those that say something of it. */
static const struct {
	const char *name;
	enum says says;
	bool of_part;
} once[] = {
	{ "Date",	SAYS_NOTHING,	false },
	{ "From",	SAYS_NOTHING,	false },
	{ "Sender",	SAYS_NOTHING,	false },
	{ "Reply-To",	SAYS_NOTHING,	false },
	{ "To",		SAYS_NOTHING,	false },
	{ "Cc",		SAYS_NOTHING,	false },
	{ "Bcc",	SAYS_NOTHING,	false },
	{ "Message-ID",	SAYS_NOTHING,	false },
	{ "In-Reply-To", SAYS_NOTHING,	false },
	{ "References",	SAYS_NOTHING,	false },
	{ "Subject",	SAYS_NOTHING,	false },
	{ "MIME-Version", SAYS_NOTHING,	false },
	{ "Content-Type", SAYS_TYPE,	true },
	{ "Content-Transfer-Encoding", SAYS_ENCODING, true },
	{ "Content-Disposition", SAYS_PARAMETERS, true },
};

void
part_begin(struct mime *m, enum part_kind kind)
{
	m->in_header = true;
	m->kind = (unsigned char)kind;
	m->encoded = ENCODING_NONE;
	m->any = m->typed = m->bounded = false;
	m->seen = 0;
	m->coming.n = 0;
	m->coming.digest = m->coming.longer = false;
}

static void
unfold(struct mime *m)
{
	struct span body = { m->field, m->kept };

	m->kept = message_unfold(span_from(body, m->colon + 1), m->field,
	    m->kept);
	parameters_start(&m->parameters, (struct span){ m->field, m->kept });
}

/* Octets of the field's body without its last line end. */
static uint64_t
body_octets(const struct mime *m)
{
	uint64_t end = m->lines.crlf ? 2 : 1;
	uint64_t octets = m->field_octets - (m->colon + 1);

	return octets > end ? octets - end : 0;
}

void
part_field(struct mime *m)
{
	struct span name = { m->field, m->name };

	m->any = true;
	if (name.n > NAME_OCTETS)
		m->measures.anomalies |= SMTP_ODD(FIELD_NAME_LENGTH);
	if (body_octets(m) > FIELD_OCTETS)
		m->measures.anomalies |= SMTP_ODD(FIELD_LENGTH);
	for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
		if (!span_is(name, once[i].name))
			continue;
		if (m->seen >> i & 1 && (m->depth == 0 || once[i].of_part))
			m->measures.anomalies |= SMTP_ODD(DUPLICATE_FIELD);
		m->seen |= UINT64_C(1) << i;
		m->says = (unsigned char)once[i].says;
	}
	if (m->says != SAYS_NOTHING)
		unfold(m);
}

/* The first Content-Type counts; of two, one that has parts. */
static void
enter_type(struct mime *m, struct span type)
{
	enum part_kind kind = span_starts(type, "multipart/") ? PART_MULTIPART :
	    span_is(type, "message/rfc822") || span_is(type, "message/global") ||
	    span_is(type, "message/news") ? PART_MESSAGE : PART_LEAF;

	if (type.n == 0 || memchr(type.p, '/', type.n) == NULL)
		m->measures.anomalies |= SMTP_ODD(MALFORMED_MIME);
	if (!m->typed || m->kind == PART_LEAF)
		m->kind = (unsigned char)kind;
	m->typed = true;
	m->coming.digest |= span_is(type, "multipart/digest");
}

static void
enter_boundary(struct mime *m, const struct parameter *p)
{
	size_t n = (size_t)parameter_value(&m->parameters, p, m->value,
	    sizeof m->value);
	struct span value = { m->value, n };

	if (value.n > sizeof m->value)
		value.n = sizeof m->value;
	if (!p->quoted)
		value = span_word(&value);
	value = span_trim(value);
	if (value.n > MIME_BOUNDARY_MAX)
		m->measures.anomalies |= SMTP_ODD(BOUNDARY_LENGTH);
	if (value.n == 0 || m->coming.n)
		return;
	m->coming.longer = value.n > MIME_BOUNDARY_MAX;
	m->coming.n = (unsigned char)(m->coming.longer ? MIME_BOUNDARY_MAX :
	    value.n);
	memcpy(m->coming.boundary, value.p, m->coming.n);
}

static void
give(struct mime *m, struct mime_find *find, enum mime_what what,
    uint64_t octets)
{
	find->what = what;
	find->octets = octets;
	find->value.p = m->value;
	find->value.n = octets < sizeof m->value ? (size_t)octets :
	    sizeof m->value;
	find->depth = m->depth;
}

static bool
find_parameter(struct mime *m, struct mime_find *find)
{
	struct parameter p;
	uint64_t octets;

	while (parameters_next(&m->parameters, &p)) {
		if (p.sectioned && p.section)
			continue;
		if (span_is(p.name, "boundary"))
			enter_boundary(m, &p);
		if (!span_is(p.name, "filename") && !span_is(p.name, "name"))
			continue;
		octets = parameter_value(&m->parameters, &p, m->value,
		    sizeof m->value);
		if (octets > m->measures.filename)
			m->measures.filename = octets;
		if (octets > FILENAME_OCTETS)
			m->measures.anomalies |= SMTP_ODD(FILENAME_LENGTH);
		give(m, find, MIME_FILENAME, octets);
		return true;
	}
	m->says = SAYS_NOTHING;
	return false;
}

bool
part_find(struct mime *m, struct mime_find *find)
{
	struct span token = { m->value, 0 };

	if (m->says == SAYS_NOTHING)
		return false;
	if (m->says == SAYS_PARAMETERS)
		return find_parameter(m, find);
	token.n = parameter_token(m->parameters.body, m->value,
	    sizeof m->value);
	if (m->says == SAYS_TYPE) {
		enter_type(m, token);
		give(m, find, MIME_TYPE, token.n);
		m->says = SAYS_PARAMETERS;
	} else {
		if (m->encoded == ENCODING_NONE)
			m->encoded = encoding_kind(token);
		give(m, find, MIME_ENCODING, token.n);
		m->says = SAYS_NOTHING;
	}
	return true;
}

enum part_kind
part_body(struct mime *m)
{
	if (m->kind == PART_MULTIPART && m->encoded != ENCODING_NONE)
		m->measures.anomalies |= SMTP_ODD(MALFORMED_MIME);
	if (m->kind == PART_MULTIPART && m->coming.n == 0) {
		m->measures.anomalies |= SMTP_ODD(MALFORMED_MIME);
		return PART_LEAF;
	}
	if (m->kind == PART_MULTIPART && m->levels_n == MIME_DEPTH_MAX) {
		m->measures.anomalies |= SMTP_ODD(NESTING);
		return PART_LEAF;
	}
	/* RFC 6532 3.5 lets message/global be encoded. */
	if (m->kind == PART_MESSAGE && m->encoded != ENCODING_NONE)
		return PART_LEAF;
	return (enum part_kind)m->kind;
}
