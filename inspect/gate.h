/* gate: what goes through, in both directions, where there is a policy.
 *
 * One gate per session. For every event of the engine it says, step by step,
 * what becomes of the bytes:
 *
 *	if (gate_ready(&gate, &smtp, side, in, ended) &&
 *	    smtp_next(&smtp, side, &in, &ev) == SMTP_EVENT) {
 *		gate_event(&gate, &smtp, &ev, false, now_us);
 *		while (gate_next(&gate, &step))
 *			do(&step);
 *	}
 *
 * PASS and WITHHOLD together are exactly ev.raw, in order; MAKE goes to the
 * same side as ev.raw would, behind what was passed before it; REPLY goes to the
 * client. Thus the two sides never lose count: a command that is withheld gets
 * its reply from us, when its turn comes, and the server's replies are paired
 * with what was sent to the server only.
 *
 * A rule that would change what cannot be changed any more (ahead) is told and
 * does nothing. With dry_run, every rule is told and does nothing.
 *
 * Pure: no I/O, clock or allocation. One thread at a time. Bounded: GATE_OWN_MAX
 * replies of ours wait at a time, then gate_ready() is false for the client. */
#ifndef INSPECT_GATE_H
#define INSPECT_GATE_H

#include "inspect/mime.h"
#include "inspect/policy.h"
#include "inspect/rate.h"

#define GATE_OWN_MAX	64	/* replies of ours that await their turn */
#define GATE_EDITS_MAX	24	/* changes within one line */
#define GATE_MADE_MAX	2048	/* octets composed for one line */
#define GATE_NAME_MAX	255	/* octets of a host name */
#define GATE_DRAIN_MAX	(INT64_C(256) << 20) /* octets of refused content */

enum gate_move {
	GATE_PASS,	/* octets of ev.raw, to the other side */
	GATE_WITHHOLD,	/* octets of ev.raw, to nobody */
	GATE_MAKE,	/* octets of ours, in the direction of ev.raw */
	GATE_REPLY,	/* a reply line of ours, to the client */
	GATE_TELL,	/* a rule has fired: rule, detail, dry; no bytes */
	GATE_LEAVE,	/* close the server's side, without an end of data; the
			 * client's is drained until CLOSE */
	GATE_CLOSE,	/* close both; the client has been told why */
	GATE_RESET,	/* reset both */
};

struct gate_step {
	enum gate_move move;
	struct span bytes;	/* good until the next gate_event() */
	const char *rule;	/* TELL: which; for the others: why; NULL: none */
	enum policy_action action;	/* TELL: what of */
	struct span detail;	/* TELL: the value it fired on; no secret */
	bool dry;		/* TELL: it would have, but for dry_run or ahead */
};

/* Whom the session is between; borrowed during gate_open(). */
struct gate_peers {
	unsigned char client[16];	/* for networks; as policy_network */
	struct span client_text;	/* "192.0.2.7": what the client is known by */
	struct span server_host;	/* the configured name of the server, or "" */
	struct span server_text;	/* its address, without port */
	struct span our_text;		/* ours as the server sees it, or "" */
};

struct gate_own {
	unsigned behind;	/* replies of the server that come before it */
	bool close;
	struct span reply;
	const char *rule;
};

struct gate_edit {
	struct span out;	/* of raw: not forwarded; n = 0: an insertion */
	struct span in;		/* what is made in its place */
};

struct gate_name {
	unsigned char n;
	char p[GATE_NAME_MAX];
};

/* Set up by gate_open(). Callers read no field. */
struct gate {
	const struct policy *base, *now;	/* now: by its whens */
	struct rate_table *rates;
	struct mime *mime;
	unsigned char client[16];
	struct gate_name names[4];	/* hosts to scrub: configured, greeting,
					 * EHLO, and the server's address */
	struct gate_name client_text, our_text;
	struct gate_name helo;
	struct gate_own own[GATE_OWN_MAX];	/* a ring */
	unsigned first_own, n_own;
	/* of the event under way */
	enum gate_step_kind { GATE_STEPS_NONE, GATE_STEPS_WHOLE,
		GATE_STEPS_LINE, GATE_STEPS_CONTENT } how;
	bool withholds;			/* WHOLE: not forwarded */
	struct span raw, rest;
	struct gate_edit edits[GATE_EDITS_MAX];
	unsigned n_edits, edit;
	struct gate_step tells[8];
	unsigned n_tells, tell;
	char made[GATE_MADE_MAX];
	size_t n_made;
	enum gate_end { GATE_GOES_ON, GATE_LEAVES, GATE_CLOSES, GATE_RESETS }
	    ends;
	const char *end_rule;
	enum smtp_tile tile;
	bool answered;
	/* of the session */
	uint64_t added;			/* of ehlo_add, seen in this reply */
	unsigned masked;		/* keywords masked in this reply */
	unsigned reply_lines;
	unsigned rcpts, refused_rcpts, strikes;
	uint64_t octets;		/* of this message, so far */
	uint64_t told;			/* content rules that have fired for
					 * this message, by number, up to 64 */
	uint64_t drained;
	bool swallowing;		/* octets of a chunk that is refused */
	bool skipping;			/* the rest of an overlong command */
	bool refusing;			/* content: none of it is forwarded */
	bool closing;			/* a reply that closes is queued */
	bool edits_off;			/* this EHLO reply is too long to edit */
	bool line_start;		/* NORMALIZE: behind CRLF, strictly */
	bool tls;			/* both sides have turned to TLS */
	bool client_spoke_tls;
	struct span refusal;		/* for the end of refused content */
	const char *refusal_rule;
};

/* mime: memory for reading content, or NULL if !policy->reads_content; rates:
 * shared by sessions, or NULL: no limits. All borrowed until the session ends. */
void gate_open(struct gate *, const struct policy *, const struct gate_peers *,
    struct mime *mime, struct rate_table *rates);

/* The engine is set up as this policy needs it; after smtp_start(). */
void gate_prepare(const struct gate *, struct smtp_session *);

/* What that side sends may have to be changed: nothing of it may be forwarded
 * before it has been through gate_event(). Does not change in a session. */
bool gate_holds(const struct gate *, enum smtp_side);

/* The next event of that side can be decided on: in is what has not been cut off
 * yet, ended: it sends no more. False: wait for more of it, or, the client's,
 * until a reply of ours has gone out. */
bool gate_ready(const struct gate *, const struct smtp_session *,
    enum smtp_side, struct span in, bool ended);

/* Decide on an event just cut off. ahead: its bytes have been forwarded already
 * (the caller does not do that again). May tell the engine that what it has
 * just read was not sent on. */
void gate_event(struct gate *, struct smtp_session *, const struct smtp_event *,
    bool ahead, int64_t now_us);

/* The next step of that decision; all must be taken. */
bool gate_next(struct gate *, struct gate_step *);

#endif
