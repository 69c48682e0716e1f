#include "inspect/clienthello.h"

#define RECORD_MAX	(16384 + 256)	/* octets (RFC 5246 6.2.3) */
#define HEADER		4	/* octets before a message: type, length */

enum { HANDSHAKE = 22 };	/* a type of records */
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2 };	/* of messages */

/* Of extensions (RFC 6066 3, RFC 7301 3.1, RFC 8446 4.2). */
enum {
	SERVER_NAME = 0,
	ALPN = 16,
	PRE_SHARED_KEY = 41,
	SUPPORTED_VERSIONS = 43,
	KEY_SHARE = 51,
};

struct name {
	unsigned number;
	const char *name;
};

static const struct name versions[] = {
#define VERSION(number, name) { number, name },
#include "inspect/clienthello.def"
#undef VERSION
};
static const struct name ciphers[] = {
#define CIPHER(number, name) { number, name },
#include "inspect/clienthello.def"
#undef CIPHER
};
static const struct name groups[] = {
#define GROUP(number, name) { number, name },
#include "inspect/clienthello.def"
#undef GROUP
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *
name_of(const struct name *table, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].number == number)
			return table[i].name;
	return NULL;
}

/* A number of so many octets off the front; 0 where they are not. */
static unsigned
take(struct span *s, size_t octets)
{
	unsigned value = 0;

	if (s->n < octets) {
		(void)span_cut(s, s->n);
		return 0;
	}
	for (; octets; octets--)
		value = value << 8 | (unsigned char)span_cut(s, 1).p[0];
	return value;
}

/* A vector behind its length, of so many octets; what is there of it. */
static struct span
take_vector(struct span *s, size_t octets)
{
	size_t n = take(s, octets);

	return span_cut(s, n < s->n ? n : s->n);
}

/* Octets of the message in all, once its header is here. */
static size_t
length(const struct hello *h)
{
	struct span head = { h->message + 1, HEADER - 1 };

	return h->n < HEADER ? HEADER : HEADER + take(&head, 3);
}

static bool
is_whole(const struct hello *h)
{
	return h->n == HELLO_MAX || (h->n >= HEADER && h->n >= length(h));
}

/* Octets of a record's content. */
static void
add(struct hello *h, struct span s)
{
	size_t room = HELLO_MAX - h->n;
	size_t n = s.n < room ? s.n : room;

	if (n)
		memcpy(h->message + h->n, s.p, n);
	h->n += n;
	h->over = h->n && h->message[0] != CLIENT_HELLO &&
	    h->message[0] != SERVER_HELLO;
}

/* The header of a record is whole: what comes. */
static void
begin_record(struct hello *h)
{
	h->n_head = 0;
	h->left = (size_t)h->head[3] << 8 | h->head[4];
	h->over = h->head[0] != HANDSHAKE || h->head[1] != 3 ||
	    h->left > RECORD_MAX || h->left == 0;
}

bool
hello_read(struct hello *h, struct span s)
{
	while (s.n && !h->over) {
		size_t n = s.n < h->left ? s.n : h->left;

		if (h->left == 0) {
			h->head[h->n_head++] =
			    (unsigned char)span_cut(&s, 1).p[0];
			if (h->n_head == sizeof(h->head))
				begin_record(h);
			continue;
		}
		h->left -= n;
		add(h, span_cut(&s, n));
		if (!h->over && is_whole(h))
			return h->over = true;
	}
	return false;
}

static void
add_version(struct hello_facts *f, unsigned number)
{
	const char *name = name_of(versions, COUNT(versions), number);

	if (name && f->n_versions < HELLO_VERSIONS)
		f->versions[f->n_versions++] = name;
}

/* What is in it counts, not what the hello says in front (RFC 8446 4.2.1). A
 * client lists the same one once, and greases (RFC 8701). */
static void
read_versions(struct span s, struct hello_facts *f)
{
	f->n_versions = 0;
	if (!f->client) {
		add_version(f, take(&s, 2));
		return;
	}
	for (s = take_vector(&s, 1); s.n >= 2;)
		add_version(f, take(&s, 2));
}

static void
read_names(struct span s, struct hello_facts *f)
{
	s = take_vector(&s, 2);
	if (take(&s, 1) == 0)	/* host_name */
		f->sni = take_vector(&s, 2);
}

static void
read_extension(unsigned type, struct span s, struct hello_facts *f)
{
	switch (type) {
	case SERVER_NAME:
		if (f->client)
			read_names(s, f);
		break;
	case ALPN:
		f->alpn = take_vector(&s, 2);
		break;
	case SUPPORTED_VERSIONS:
		read_versions(s, f);
		break;
	case KEY_SHARE:
		if (!f->client)
			f->group = name_of(groups, COUNT(groups),
			    take(&s, 2));
		break;
	case PRE_SHARED_KEY:
		f->psk = !f->client;
		break;
	default:
		break;
	}
}

bool
hello_facts(const struct hello *h, struct hello_facts *f)
{
	struct span s = { h->message, h->n };
	unsigned type = take(&s, 1);

	*f = (struct hello_facts){ .client = type == CLIENT_HELLO };
	if (!is_whole(h) || (type != CLIENT_HELLO && type != SERVER_HELLO))
		return false;
	s = take_vector(&s, 3);
	add_version(f, take(&s, 2));
	(void)span_cut(&s, s.n < 32 ? s.n : 32);	/* random */
	f->session = take_vector(&s, 1);
	if (f->client) {
		(void)take_vector(&s, 2);	/* ciphers */
		(void)take_vector(&s, 1);	/* compression */
	} else {
		f->cipher = name_of(ciphers, COUNT(ciphers), take(&s, 2));
		(void)take(&s, 1);
	}
	for (s = take_vector(&s, 2); s.n >= 4;) {
		unsigned extension = take(&s, 2);

		read_extension(extension, take_vector(&s, 2), f);
	}
	return true;
}
