#include "record/uuid.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "inspect/span.h"

#define POOL_MAX	256	/* octets: getrandom() gives so many whole */

/* n random octets, 8 at most. From a pool per thread: one system call for
 * thirty sessions. */
static void
random_octets(unsigned char *out, size_t n)
{
	static _Thread_local unsigned char pool[POOL_MAX];
	static _Thread_local size_t left;

	if (left < n) {
		/* Cannot fail: no flags, and too few octets to be cut short. */
		if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
			abort();
		left = sizeof(pool);
	}
	left -= n;
	memcpy(out, pool + left, n);
}

void
uuid_make(unsigned char uuid[16], int64_t wall_ns)
{
	uint64_t ms = (uint64_t)(wall_ns / 1000000);
	/* The rest of the millisecond in 4096ths: rand_a, to keep the order. */
	uint64_t part = (uint64_t)(wall_ns % 1000000) * 4096 / 1000000;

	for (int i = 0; i < 6; i++)
		uuid[i] = (unsigned char)(ms >> (40 - 8 * i));
	uuid[6] = (unsigned char)(0x70 | part >> 8);
	uuid[7] = (unsigned char)part;
	random_octets(uuid + 8, 8);
	uuid[8] = (unsigned char)(0x80 | (uuid[8] & 0x3f));
}

void
uuid_text(const unsigned char uuid[16], char out[UUID_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex[uuid[i] >> 4];
		*out++ = hex[uuid[i] & 15];
	}
	*out = '\0';
}

/* 0..15, or -1. */
static int
hex_digit(char c)
{
	unsigned char lower = span_lower(c);

	if (lower >= '0' && lower <= '9')
		return lower - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool
uuid_range(const char *text, unsigned char low[16], unsigned char high[16])
{
	int digits = 0;

	memset(low, 0x00, 16);
	memset(high, 0xff, 16);
	for (; *text; text++) {
		int value = hex_digit(*text), shift = digits % 2 ? 0 : 4;

		if (*text == '-')
			continue;
		if (value < 0 || digits == 32)
			return false;
		low[digits / 2] |= (unsigned char)(value << shift);
		high[digits / 2] &= (unsigned char)~((value ^ 15) << shift);
		digits++;
	}
	return digits > 0;
}
