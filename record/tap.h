/* tap: turns the engine's events into parts for the recorder.
 *
 * One tap per session, on its loop thread, embedded in the connection. It is
 * told of every segment as it comes (tap_received) and of every event as it is
 * understood (tap_event), and keeps: the wire log, the exchanges (a command
 * with its reply), the messages, the events, and the facts of the session. With
 * no port (recording is off) it keeps the facts only, for the log line.
 *
 * Secrets (ev->secret, and echoes of them in the reply that follows) are
 * replaced here, before anything is queued: nothing behind a tap ever sees them.
 *
 * Bounds: a part goes out at TAP_PART_MAX octets; arguments and replies in the
 * tables are cut at DIALOGUE_TEXT_MAX (the wire log has them whole). Full:
 * tap_ready() says whether to go on reading from the peers. While the store
 * fails, what comes is counted as a gap instead (on-record-failure = pass).
 *
 * Times are ns of CLOCK_MONOTONIC, wall is ns since 1970. Out of memory: what
 * cannot be kept becomes a gap; the mail flows. */
#ifndef RECORD_TAP_H
#define RECORD_TAP_H

#include "inspect/smtp.h"
#include "record/fate.h"
#include "record/recorder.h"

#define TAP_PART_MAX 65536	/* octets of wire log that send a part on its way */

struct tap_state;

struct tap {
	struct recorder_port *port;	/* NULL: facts only */
	struct recorder_session facts;
	struct tap_state *state;	/* private; NULL: facts of the start only */
	int64_t start_ns;		/* monotonic */
	/* of the last transaction, for the log line; set by tap_close() */
	char mail_from[128], queue_id[64], enhanced[12];
	unsigned nrcpt;
	uint64_t size;
};

/* Where a session comes from; borrowed during tap_open(). */
struct tap_origin {
	const char *listener, *client, *original_dst, *upstream;	/* NULL: "" */
	int64_t now_ns, wall_ns;
	const unsigned char *uuid;	/* of a session known elsewhere (import);
					 * NULL: a new one */
};

/* A session begins. port may be NULL. False: out of memory; the tap is as usable
 * as one without a port, and the session will not be recorded. */
bool tap_open(struct tap *, struct recorder_port *, const struct tap_origin *);

/* The upstream is known only later. */
void tap_upstream(struct tap *, const char *upstream);

/* Room to go on: false means stop reading from both peers until the port's
 * drained(). Always true without a port, and while the store fails: then what
 * comes is counted as a gap. */
bool tap_ready(struct tap *);

/* n octets have come from side; their bytes follow in events. */
void tap_received(struct tap *, enum smtp_side side, size_t n, int64_t now_ns);

/* What the engine made of them, and what became of the bytes (of EDITED,
 * tap_passed(), tap_withheld() and tap_made() tell). They must stay where they
 * are until tap_settle(). */
void tap_event(struct tap *, const struct smtp_event *ev, enum tap_fate);

/* Behind a tap_event() of EDITED, before any other: what became of its bytes,
 * piece by piece and in order; those passed and withheld together are ev->raw.
 * made: what was put in behind them; copied, and no secret is in it. A message's
 * size and digest are those of what the server was given. */
void tap_passed(struct tap *, struct span bytes);
void tap_withheld(struct tap *, struct span bytes);
void tap_made(struct tap *, struct span bytes);

/* A rule of a policy has fired on the event before: an event row named "rule"
 * with that rule, and "ACTION: DETAIL" as its detail ("would ACTION: ..." if
 * dry); of detail, 200 octets. action: "reject". severity: "notice",
 * "warning" or "attack". Borrowed during the call. */
void tap_rule(struct tap *, enum smtp_side, const char *rule,
    const char *action, const char *severity, struct span detail, bool dry);

/* The bytes of past events are about to move: copy what is still borrowed. */
void tap_settle(struct tap *);

/* n octets that side sent are unknown (import of a recording that has gaps). The
 * engine is not told. */
void tap_gap(struct tap *, enum smtp_side side, uint64_t n, int64_t now_ns);

/* smtptap itself sent this line as that side, whole. A reply, if as is the server:
 * it answers the command that has waited longest; else a command, that the server
 * will answer next. midway: what has come from that
 * side and is not understood yet is not forwarded yet: the line is before it. */
void tap_own(struct tap *, enum smtp_side as, struct span line, bool midway,
    int64_t now_ns);

/* What TLS with one side came to. Strings are borrowed during the call, NULL:
 * unknown. */
struct tap_tls {
	const char *version, *cipher, *group;	/* "TLSv1.3", OpenSSL's names */
	const char *sni, *alpn;
	const char *verified;	/* "ok", or why the peer's certificate is not */
	bool resumed;
	int64_t handshake_us;	/* -1: unknown */
	const char *const *chain;	/* the peer's, PEM, leaf first */
	unsigned n_chain;
};

/* The handshake with that side is done: what it sends from here on came in
 * TLS. Before the first octets of it; what it had said in the clear before has
 * been in events. A side may come to TLS once. */
void tap_secured(struct tap *, enum smtp_side, const struct tap_tls *,
    int64_t now_ns);

/* That side has ended its stream, or reset the connection. */
void tap_closed(struct tap *, enum smtp_side side, bool reset, int64_t now_ns);

/* Gathered something since the last flush. */
bool tap_dirty(const struct tap *);

/* Hand over what has been gathered, so that it is committed soon. Called some
 * 20 ms after the first event, by the loop. True: nothing is left behind. */
bool tap_flush(struct tap *);

/* The session is over: hand over the rest and free. ended_by: "client",
 * "server", "smtptap:idle-timeout", ... The facts stay readable. */
void tap_close(struct tap *, const char *ended_by, int64_t now_ns);

#endif
