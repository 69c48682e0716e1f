/* recorder: takes parts of sessions from the loops and writes them to a store.
 *
 * Each loop thread has a port of its own (a lock-free queue); one writer
 * thread, private to this module, owns the database; a second one checkpoints
 * the WAL. They share nothing else. Knows neither sockets nor SMTP.
 *
 * Durability: a part is safe when the batch it is in has been committed, at
 * most limits.batch_ns after it was put, if the disk keeps up. A crash loses
 * whole parts from the end of a session, never from the middle.
 *
 * Full: recorder_ready() is asked first, so that recorder_put() never blocks
 * and never fails. While the writer is merely slow, stop reading from the peers
 * until drained(); once the store cannot write (recorder_failing()), what
 * happens is on-record-failure: see tap.h. A batch that cannot be committed
 * (disk full) is kept and tried again. Nothing put is ever dropped but what
 * recorder_put() says. */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/smtp.h"
#include "record/text.h"

#define RECORD_ERROR_MAX 512	/* octets, NUL included */

struct recorder;
struct recorder_port;

/* What is known of a session; rewritten whole with every part that changes it.
 * Strings are NUL-terminated and already fit for text (see text_json). */
struct recorder_session {
	uint64_t id;			/* recorder_next_id(); order of accept */
	unsigned char uuid[16];		/* UUIDv7, the public id */
	int64_t start_us;		/* wall clock, us since 1970 */
	int64_t duration_us;		/* -1 while open */
	char listener[64], client[64], original_dst[64], upstream[128];
	char helo[256], auth_user[128];
	char tls_client[80], tls_server[80], sni[256];
	char ended_by[64];		/* "" while open */
	uint64_t bytes_in, bytes_out;	/* received from client, from server */
	unsigned messages, recipients;	/* accepted by the server */
	unsigned events, rewritten;
	int last_code;			/* of the last reply the client got; 0: none */
	bool gap;			/* something was not recorded */
};

/* One mail transaction, for message_row. Texts are in `strings` of the part. */
struct recorder_message {
	struct recorder_message *next;
	unsigned seq;			/* 1.. within the session */
	bool content;			/* end of data was sent: size and sha are set */
	bool accepted;
	int code;			/* reply to end of data; 0: none came */
	uint64_t size;
	unsigned char sha256[32];
	/* NUL-terminated, in this allocation; NULL: unknown */
	const char *mail_from, *recipients /* JSON */, *subject, *header_from,
	    *header_to, *message_id, *date, *enhanced, *reply, *queue_id;
};

/* TLS with one side, for tls_row; texts as those of a session, "" if unknown. */
struct recorder_tls {
	struct recorder_tls *next;
	enum smtp_side side;
	int64_t t_us;			/* when it was there */
	char version[16], cipher[48], group[32], sni[256], alpn[64];
	char verified[256];
	char offered[64];		/* versions, where smtptap did not take part */
	bool opaque;			/* it did not */
	bool resumed;
	int64_t handshake_us;		/* -1: unknown */
	uint64_t octets;		/* that side sent, if opaque */
	struct text chain;		/* PEM, leaf first */
};

/* A part of a session: what its tap has gathered since the part before. */
struct recorder_part {
	struct recorder_part *next;	/* these three are the recorder's own */
	struct recorder_port *port;
	size_t octets;			/* of memory */
	unsigned n;			/* 0.. within the session */
	bool last;			/* the session is over */
	bool row;			/* session below is to be written */
	struct recorder_session session;
	struct text wire;		/* a wire log of its own, see wire.h:
					 * its first frame counts from t_us 0 */
	struct text exchanges;		/* JSON array elements, comma between */
	struct text events;		/* JSON array elements, comma between */
	unsigned exchanges_before;	/* elements in the session's earlier */
	unsigned events_before;		/* parts: they number those of this one */
	struct recorder_message *messages;	/* a list, oldest first */
	struct recorder_tls *tls;		/* a list; later rows replace earlier */
};

struct recorder_limits {
	size_t queue_octets;	/* ready() is false above this */
	int64_t batch_ns;	/* longest time a part waits for its commit */
	bool commit;		/* durability = commit: fsync before put is done */
};

/* The defaults: 16 MiB, 20 ms, async. */
extern const struct recorder_limits recorder_default_limits;

/* Open or create the store at path, mark sessions a crash left open as
 * interrupted, start the threads. NULL and a sentence on failure. */
struct recorder *recorder_open(const char *path, const struct recorder_limits *,
    char error[RECORD_ERROR_MAX]);

/* A port for one producer thread, before any part is put. drained(arg) runs in
 * the writer thread when a full queue has emptied, or the store works again: it
 * may only wake a loop. Freed by recorder_close(). NULL: out of memory. */
struct recorder_port *recorder_port(struct recorder *,
    void (*drained)(void *arg), void *arg);

/* Ids are handed out in order of accept, by any thread. */
uint64_t recorder_next_id(struct recorder_port *);

/* An empty part, new or recycled; NULL: out of memory. Producer thread. */
struct recorder_part *recorder_part(struct recorder_port *);
void recorder_part_free(struct recorder_part *);

/* Room for one more part. False: not now; drained() will be called. */
bool recorder_ready(struct recorder_port *);

/* The store has not been able to write for a second or more. */
bool recorder_failing(const struct recorder_port *);

/* Hand a part over; it is the recorder's from here. Never blocks, never fails.
 * Only after recorder_ready(); a part with last set may come at any time, but
 * above twice queue_octets of a store that fails it is dropped and counted as a
 * lost session, of which the store tells when it works again (table gap).
 * Producer thread. */
void recorder_put(struct recorder_port *, struct recorder_part *);

/* Wait until all that was put is committed, or the store fails; while others go
 * on putting, until the queue is empty for a moment. Any thread but the writer;
 * for programs that record and then read (import, tests). */
bool recorder_flush(struct recorder *);

/* The reason the last write failed, "" if it did not; any thread. */
void recorder_error(const struct recorder *, char error[RECORD_ERROR_MAX]);

/* Commit everything queued, stop the threads, free. False if anything was lost
 * since open; error says what. After all producers have stopped. */
bool recorder_close(struct recorder *, char error[RECORD_ERROR_MAX]);

#endif
