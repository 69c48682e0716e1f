/* outbox: what a client has still to send: commands of its own and borrowed
 * pieces of the body, sent with one system call as far as the socket takes it. */
#ifndef BENCH_OUTBOX_H
#define BENCH_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#define OUTBOX_CHUNKS	64	/* chunks of BDAT that fit at once */

struct outbox {
	struct iovec piece[2 * OUTBOX_CHUNKS + 16];
	size_t first, n;		/* pieces [first, n) are to be sent */
	char text[32 * OUTBOX_CHUNKS + 512];
	size_t used;
};

enum outbox_step { OUTBOX_SENT, OUTBOX_BLOCKED, OUTBOX_FAILED };

bool outbox_empty(const struct outbox *);

/* Both assert that there is room: what a client says at once is bounded. */
void outbox_printf(struct outbox *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void outbox_borrow(struct outbox *, const char *p, size_t n);

/* Send at most limit octets. BLOCKED: the socket takes no more; FAILED: errno. */
enum outbox_step outbox_send(struct outbox *, int fd, size_t limit);

#endif
