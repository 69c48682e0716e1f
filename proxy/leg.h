/* leg: one socket of a session, with what waits to go out on it.
 *
 * Sends at once what the kernel takes and keeps the rest; a leg that keeps
 * anything must not be given more than its bound (conn.h). Non-blocking. One
 * thread, that of its loop. */
#ifndef PROXY_LEG_H
#define PROXY_LEG_H

#include <ev.h>

#include "proxy/address.h"
#include "proxy/buffer.h"

struct leg {
	ev_io io;		/* io.fd is -1: no socket */
	struct buffer out;	/* for this socket, not yet taken by the kernel */
	struct buffer rest;	/* from it, sent on, not yet understood */
	struct tls *tls;	/* ended here; NULL: in the clear */
	bool shaking;		/* its handshake is under way: nothing is sent
				 * or read but that (secure.h), which ... */
	int shaking_wants;	/* ... waits for EV_READ or EV_WRITE */
	bool connected;
	bool ended;		/* it has ended its stream, or reset it */
	bool shut;		/* we have ended ours to it */
	int error;		/* errno of a send that failed; 0: none. It takes
				 * no more bytes, but may still have some for us:
				 * its end is then this error, not a FIN */
};

/* A socket that is connecting there; -1 and errno. With TCP_NODELAY: a segment
 * does not wait until the one before it has been acknowledged. */
int leg_connect(const struct address *);

/* Watch fd, from here the leg's own; the watcher's data is left to the caller.
 * Starts with no interest. */
void leg_open(struct leg *, int fd, void (*on_io)(struct ev_loop *, ev_io *,
    int revents));

/* Which of EV_READ and EV_WRITE to be told of; 0: neither. */
void leg_watch(struct leg *, struct ev_loop *, int events);

/* As recv(2), through TLS where there is some. */
ssize_t leg_recv(struct leg *, char *, size_t);

/* Octets have been received and not been given out: no event will tell. */
bool leg_has_more(const struct leg *);

/* What it has sent can be read only when the socket takes octets. */
bool leg_reads_by_writing(const struct leg *);

/* Send, or queue what the kernel does not take now; all of it, in case of an
 * error, which is for the reading side to find. False: out of memory. */
bool leg_send(struct leg *, struct span bytes);

/* Send what waits, as far as the kernel takes it. */
void leg_flush(struct leg *);

/* The kernel has finished connecting; asks it, if that is not known yet. */
bool leg_is_connected(struct leg *);

/* Why it could not be connected, so far; 0: no reason to think so. */
int leg_connect_error(const struct leg *);

/* End our stream to it: what waits must have gone. */
void leg_shut(struct leg *);

/* Close the socket, if there is one, with RST instead of FIN if abort. The
 * buffers stay: a mail server's next address gets what waits. */
void leg_close(struct leg *, struct ev_loop *, bool abort);

void leg_free_buffers(struct leg *);

static inline bool
leg_is_open(const struct leg *l)
{
	return l->io.fd >= 0;
}

#endif
