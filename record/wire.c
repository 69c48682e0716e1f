#include "record/wire.h"

#define VARINT_MAX	10	/* octets of a 64-bit varint */

/* What follows the number of octets in a frame. */
static const enum { NOTHING, BYTES, STAND_IN } carries[WIRE_KINDS] = {
	[WIRE_BYTES] = BYTES,
	[WIRE_REDACTED] = STAND_IN,
	[WIRE_GAP] = NOTHING,
	[WIRE_OWN] = BYTES,
	[WIRE_FIN] = NOTHING,
	[WIRE_RESET] = NOTHING,
	[WIRE_WITHHELD] = BYTES,
	[WIRE_WITHHELD_REDACTED] = STAND_IN,
	[WIRE_MADE] = BYTES,
	[WIRE_SECURED] = BYTES,
};

static size_t
varint_make(unsigned char out[VARINT_MAX], uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		out[n++] = (unsigned char)(value | 0x80);
	out[n++] = (unsigned char)value;
	return n;
}

void
wire_varint(struct text *t, uint64_t value)
{
	unsigned char out[VARINT_MAX];

	text_put(t, out, varint_make(out, value));
}

bool
wire_varint_get(struct span *in, uint64_t *value)
{
	uint64_t v = 0;

	for (size_t n = 0; n < in->n && n < VARINT_MAX; n++) {
		unsigned char c = (unsigned char)in->p[n];

		/* The tenth octet has room for the 64th bit only. */
		if (n == VARINT_MAX - 1 && c > 1)
			return false;
		v |= (uint64_t)(c & 0x7f) << (7 * n);
		if (c < 0x80) {
			span_cut(in, n + 1);
			*value = v;
			return true;
		}
	}
	return false;
}

/* Small for small differences of either sign. */
static uint64_t
zigzag(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static uint64_t
unzigzag(uint64_t value)
{
	return value >> 1 ^ (0 - (value & 1));
}

bool
wire_is_stream(enum wire_kind kind)
{
	return kind == WIRE_BYTES || kind == WIRE_REDACTED ||
	    kind == WIRE_GAP || kind == WIRE_WITHHELD ||
	    kind == WIRE_WITHHELD_REDACTED;
}

void
wire_put(struct text *log, const struct wire_frame *f, int64_t *last_us)
{
	unsigned char head[1 + 3 * VARINT_MAX];
	size_t n = 0;
	size_t kept = carries[f->kind] == NOTHING ? 0 : f->bytes.n;
	char *p;

	head[n++] = (unsigned char)(f->kind * 2 + f->side);
	n += varint_make(head + n,
	    zigzag((uint64_t)f->t_us - (uint64_t)*last_us));
	n += varint_make(head + n,
	    carries[f->kind] == BYTES ? kept : f->octets);
	if (carries[f->kind] == STAND_IN)
		n += varint_make(head + n, kept);
	/* Whole or not at all: half a frame would spoil those behind it. */
	p = text_grow(log, n + kept);
	if (!p)
		return;
	memcpy(p, head, n);
	if (kept)
		memcpy(p + n, f->bytes.p, kept);
	*last_us = f->t_us;
}

bool
wire_get(struct span *log, struct wire_frame *f, int64_t *last_us)
{
	struct span in = *log;
	uint64_t difference, kept = 0;
	unsigned char head;

	if (in.n == 0)
		return false;
	head = (unsigned char)*span_cut(&in, 1).p;
	if (head >= WIRE_KINDS * 2)
		return false;
	f->kind = (enum wire_kind)(head / 2);
	f->side = (enum smtp_side)(head % 2);
	if (!wire_varint_get(&in, &difference) ||
	    !wire_varint_get(&in, &f->octets))
		return false;
	if (carries[f->kind] == BYTES)
		kept = f->octets;
	else if (carries[f->kind] == STAND_IN && !wire_varint_get(&in, &kept))
		return false;
	if (kept > in.n)
		return false;
	f->bytes = span_cut(&in, (size_t)kept);
	f->t_us = (int64_t)((uint64_t)*last_us + unzigzag(difference));
	*last_us = f->t_us;
	*log = in;
	return true;
}
