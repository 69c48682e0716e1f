/* Fuzz target: mail content, whole and cut at random, gives the same finds and
 * measures; measures only grow, and nothing is read outside a piece. The first
 * octet: whether dots are stuffed (bit 7), or bodies skimmed (bit 6), and the seed
 * of the cuts. */
#include <assert.h>
#include <stdlib.h>

#include "inspect/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct reading {
	struct mime mime;
	uint64_t finds;		/* a digest of them, in order */
};

static void
digest(uint64_t *to, const void *p, size_t n)
{
	const unsigned char *octets = p;

	for (size_t i = 0; i < n; i++)
		*to = (*to ^ octets[i]) * UINT64_C(0x100000001b3);
}

static void
enter(struct reading *r, const struct mime_find *find)
{
	assert(find->value.n <= MIME_VALUE_MAX);
	assert(find->value.n == find->octets ||
	    find->value.n == MIME_VALUE_MAX);
	digest(&r->finds, &find->what, sizeof find->what);
	digest(&r->finds, &find->octets, sizeof find->octets);
	digest(&r->finds, &find->depth, sizeof find->depth);
	digest(&r->finds, find->value.p, find->value.n);
}

static void
grown(const struct mime_measures *from, const struct mime_measures *to)
{
	assert(to->header_octets >= from->header_octets);
	assert(to->header_line >= from->header_line);
	assert(to->body_octets >= from->body_octets);
	assert(to->body_line >= from->body_line);
	assert(to->filename >= from->filename);
	assert(to->to_addresses >= from->to_addresses);
	assert(to->in_body >= from->in_body);
	assert((from->anomalies & ~to->anomalies) == 0);
	assert((to->anomalies & ~MIME_ODD) == 0);
}

/* A copy of its own, so that a look beyond its end is seen. */
static void
read_piece(struct reading *r, struct span piece)
{
	struct mime_measures before = r->mime.measures;
	char *copy = malloc(piece.n);
	struct span in = { copy, piece.n };
	struct mime_find find;

	assert(copy);
	memcpy(copy, piece.p, piece.n);
	while (mime_read(&r->mime, &in, &find))
		enter(r, &find);
	assert(in.n == 0);
	grown(&before, &r->mime.measures);
	free(copy);
}

static void
start(struct reading *r, unsigned how)
{
	r->finds = 0;
	mime_start(&r->mime, how & 0x80);
	if ((how & 0xc0) == 0x40)
		mime_skim(&r->mime);
}

static void
read_cut(struct reading *r, struct span content, unsigned seed)
{
	struct mime_find find;

	while (content.n) {
		size_t n = content.n;

		seed = seed * 1103515245 + 12345;
		if (seed && n > 1 + (seed >> 16) % 97)
			n = 1 + (seed >> 16) % 97;
		read_piece(r, span_cut(&content, n));
	}
	while (mime_end(&r->mime, &find))
		enter(r, &find);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct reading whole, cut;
	struct span content = { (const char *)data, n };
	struct mime_find find;

	if (n < 2)
		return 0;
	content = span_from(content, 1);
	start(&whole, data[0]);
	read_piece(&whole, content);
	while (mime_end(&whole.mime, &find))
		enter(&whole, &find);
	start(&cut, data[0]);
	read_cut(&cut, content, data[0]);
	assert(cut.finds == whole.finds);
	grown(&whole.mime.measures, &cut.mime.measures);
	grown(&cut.mime.measures, &whole.mime.measures);
	return 0;
}
