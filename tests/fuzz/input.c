#include "tests/fuzz/input.h"

#define LONG	127
#define STRICT	0x80

uint32_t
input_decode(struct script *s, const uint8_t *p, size_t n)
{
	size_t i = 1;

	script_clear(s);
	if (n == 0)
		return 0;
	s->strict = p[0] & STRICT;
	while (i < n) {
		enum smtp_side side = p[i] & 1 ? SMTP_SERVER : SMTP_CLIENT;
		size_t octets = p[i++] >> 1;

		if (octets == LONG && n - i >= 2) {
			octets = (size_t)p[i] | (size_t)p[i + 1] << 8;
			i += 2;
		}
		if (octets > n - i)
			octets = n - i;
		if (octets)
			script_say(s, side, p + i, octets);
		else
			script_end(s, side);
		i += octets;
	}
	return p[0] & ~(uint32_t)STRICT;
}

size_t
input_encode(const struct script *s, const struct script_part *part,
    uint8_t *out)
{
	uint8_t side = part->side == SMTP_SERVER;
	size_t head = 1;

	if (part->n < LONG) {
		out[0] = (uint8_t)(part->n << 1 | side);
	} else {
		out[0] = (uint8_t)(LONG << 1 | side);
		out[1] = (uint8_t)part->n;
		out[2] = (uint8_t)(part->n >> 8);
		head = 3;
	}
	if (part->n)
		memcpy(out + head, s->bytes[part->side] + part->at, part->n);
	return head + part->n;
}
