/* segments: what has come from a socket and is not understood yet, as lengths.
 *
 * A queue of (time, octets): one entry for each read. It holds no bytes; the
 * number of entries is bounded by the octets a connection may keep unread. One
 * thread. */
#ifndef RECORD_SEGMENTS_H
#define RECORD_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

struct segment {
	int64_t t_us;
	size_t left;		/* octets not taken yet */
};

struct segments {
	struct segment *ring;
	unsigned room, oldest, n;
};

void segments_free(struct segments *);

/* octets have come. Out of memory: they count as part of the one before. */
void segments_put(struct segments *, int64_t t_us, size_t octets);

/* Take up to octets from the front, of one segment only. *t_us: when it came;
 * unchanged if nothing has. The octets taken. */
size_t segments_take(struct segments *, size_t octets, int64_t *t_us);

/* When the octet came that stands behind so many others; t_us if none has. */
int64_t segments_when(const struct segments *, size_t behind, int64_t t_us);

#endif
