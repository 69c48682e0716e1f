/* conn: one session: a client, the mail server, and what is known of them.
 *
 * Promises: what comes from one side goes to the other in the same turn of the
 * loop, unchanged, before it is understood; an end of stream follows the last
 * octet, each direction for itself; a reset is a reset. Each direction stops
 * being read while its receiver does not take what was read before, and both
 * while the recorder has no room.
 *
 * With a policy that may change what a side sends (gate_holds()), that side's
 * bytes are understood first and then sent on, or what the policy makes of them.
 *
 * A side whose bytes must wait, to be understood, for the other side's answer is
 * not read while more than 64 KiB of them wait. They have been sent on: if the
 * answer does not come for two seconds all the same, the session is relayed
 * without being understood from there, unless a policy may change it.
 *
 * Memory of a session, at most: 128 KiB for each side that wait to be
 * understood (rest), 64 KiB for each that wait to be sent (out), CONN_OWN_MAX,
 * the struct, and the tap's (tap.h): under 400 KiB, half of it with buffers' growth by doubling.
 * An idle session has the struct, under 4 KiB, and two descriptors.
 *
 * All functions run in the worker's thread. Each but conn_flush() may free the session. */
#ifndef PROXY_CONN_H
#define PROXY_CONN_H

#include "inspect/smtp.h"
#include "proxy/leg.h"
#include "proxy/passage.h"
#include "proxy/worker.h"
#include "record/tap.h"

#define CONN_OWN_MAX 512	/* octets of a reply of our own */

enum conn_state {
	CONN_RELAYING,	/* bytes of either side are for the other */
	CONN_LEFT,	/* a policy has closed the server's side within mail
			 * data; the client's bytes are for the record only,
			 * until it has sent its end of data */
	CONN_PARTING,	/* our 421 is on its way; the client's bytes are for
			 * the record only, until its FIN */
	CONN_OVER,	/* to be freed */
};

/* What a policy wants of the session, done when the turn is over. */
enum conn_order { CONN_GOES_ON, CONN_SECURES_SERVER, CONN_SECURES_CLIENT,
	CONN_REJOINS, CONN_MISSES_SERVER, CONN_LEAVES, CONN_PARTS, CONN_RESETS };

struct conn {
	struct leg leg[2];		/* SMTP_CLIENT, SMTP_SERVER */
	struct worker *worker;
	struct settings_listener *listener;	/* where it came in */
	struct settings *settings;	/* of the listener; kept to the end */
	LIST_ENTRY(conn) all, dirty, stalled;
	ev_timer timer;			/* see conn.c:due() */
	int64_t active_ns;		/* monotonic: last octets or progress */
	int64_t since_ns;		/* connecting or parting since */
	const char *ended_by;		/* NULL: nobody yet */
	enum conn_state state;
	enum conn_order order;
	struct passage *passage;	/* NULL: the empty policy */
	unsigned tried;			/* addresses of the origin */
	bool has_said_421;		/* and nothing of a policy behind it */
	bool in_data;			/* from 354, or a chunk, to its reply */
	bool is_dirty, is_stalled;	/* on these lists of the worker */
	bool is_held;			/* a rest is full, its side not read */
	struct smtp_session smtp;
	struct tap tap;
};

/* A client has come in by that door, on fd, from here the session's own: connect
 * to the mail server. */
void conn_open(struct worker *, const struct listener_door *, int fd,
    const struct address *client);

/* For conn's parts: the session is looked at again in so long at most. */
void conn_set_timer(struct conn *, int64_t ns);

/* Hand what was gathered to the recorder. False: something stays behind. */
bool conn_flush(struct conn *);

/* The recorder has room again. */
void conn_resume(struct conn *);

/* The daemon ends: 421 where the protocol allows it, and close; at once, or
 * when the client has had time to read it. */
void conn_stop(struct conn *, bool at_once);

#endif
