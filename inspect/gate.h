/* gate: what goes through, in both directions, where there is a policy.
 *
 * One gate per session. For every event of the engine it says, step by step,
 * what becomes of the bytes:
 *
 *	if (gate_ready(&gate, &smtp, side, in, ended) &&
 *	    smtp_next(&smtp, side, &in, &ev) == SMTP_EVENT) {
 *		gate_event(&gate, &smtp, &ev, 0, now_us);
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
#define GATE_EDITS_MAX	32	/* changes within one line */
#define GATE_TELLS_MAX	16	/* rules told of one event */
#define GATE_MADE_MAX	4096	/* octets composed for one line */
#define GATE_STRIKES	3	/* odd commands until the session is closed */
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
	GATE_ASK,	/* octets of ours, to the server: a command; its reply is
			 * dealt with here */
	GATE_REJOIN,	/* connect to the server anew; the session goes on */
	GATE_SECURE_SERVER,	/* begin TLS on that side, then gate_secured(); */
	GATE_SECURE_CLIENT,	/* what it has said in the clear is dropped */
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
};

/* What becomes of the bytes of an event. */
enum gate_fate {
	GATE_FORWARDED,	/* they go on as they are */
	GATE_WITHHELD,	/* none of them does */
	GATE_EDITED,	/* the steps tell */
};

struct gate_own {
	unsigned behind;	/* replies of the server that come before it */
	bool close;
	bool secures;		/* TLS begins behind it */
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

/* What is counted from one transaction to the next. */
struct gate_tx {
	uint64_t whens_helo, whens_sender, whens_recipient;	/* that hold */
	unsigned rcpts;		/* RCPT that were said */
	uint64_t octets;	/* of its content */
	bool in_chunks;		/* chunks of it have been passed, no LAST */
	const char *gap;	/* the rule that has refused a chunk of it */
};

/* Edits that are told once a session. */
enum gate_told { GATE_TOLD_BANNER, GATE_TOLD_SCRUB, GATE_TOLD_ADD,
	GATE_TOLD_SIZE, GATE_TOLD_AUTH, GATE_TOLD_NEWLINE, GATE_TOLD_TOO_LONG,
	GATE_TOLD_STRIP };

/* What gate_next() is in the middle of. */
enum gate_form {
	GATE_NOTHING,	/* the bytes have been dealt with */
	GATE_WHOLE,	/* all of raw, passed or withheld */
	GATE_LINE,	/* raw with edits */
	GATE_CONTENT,	/* raw with its line ends made right */
};

/* A place in mail content. */
enum newline_at {
	NEWLINE_WITHIN,		/* a line */
	NEWLINE_AT_START,	/* of a line: behind CRLF */
	NEWLINE_AT_NULS,	/* the same, with nothing but NUL between */
};

/* How the session goes on after this event. */
enum gate_end { GATE_GOES_ON, GATE_LEAVES, GATE_REJOINS, GATE_SECURES_SERVER,
	GATE_SECURES_CLIENT, GATE_CLOSES, GATE_RESETS };

/* How far TLS is, where it ends here. */
enum gate_security {
	GATE_CLEAR,		/* as it was when the session began */
	GATE_ASKING,		/* our STARTTLS awaits the server's reply */
	GATE_SECURING_SERVER,	/* a handshake is under way, nothing is read */
	GATE_SECURING_CLIENT,	/* the same; or our 220 is due */
	GATE_SECURED,		/* all TLS there is to be */
	GATE_DECLINED,		/* the server does not want it: without */
	GATE_REJOINING,		/* after a handshake that failed, the server is
				 * greeted anew, to go on without */
};

/* Set up by gate_open(). Callers read no field. */
struct gate {
	const struct policy *base, *now;	/* now: by the whens of base */
	struct rate_table *rates;
	struct mime *mime;
	unsigned char client[16];
	struct gate_name names[4];	/* of the server: configured, greeting,
					 * EHLO, address */
	struct gate_name client_text, our_text;

	/* the session */
	struct gate_tx tx;		/* if what is to begin a new one does */
	struct gate_tx before;		/* if it is refused */
	unsigned undecided;		/* such commands, without a reply yet */
	bool client_first;		/* it waited for that reply */
	unsigned first_own, n_own;
	unsigned refused_rcpts;		/* 5yz to RCPT, in this session */
	unsigned strikes;
	unsigned reply_lines;		/* of the reply under way */
	unsigned masked;		/* keywords of it overwritten with X */
	uint64_t added;			/* lines of ehlo_add it has already */
	uint64_t drained;		/* of content that goes nowhere */
	uint64_t fired[POLICY_RULES_MAX / 64];	/* told of this message */
	uint64_t stripped[POLICY_RULES_MAX / 64];	/* told of this session */
	unsigned told_edits;		/* 1 << enum gate_told */
	struct span refusal;		/* what refused content is answered with */
	const char *refusal_rule;
	bool swallowing;		/* octets of a chunk that is not sent */
	bool refusing;			/* content: none of it is forwarded */
	bool left;			/* and the server has been left */
	bool skipping;			/* the rest of an overlong command */
	bool closing;			/* a reply that closes is queued */
	bool over;			/* and has gone out: nothing passes */
	enum newline_at newline_next_at;	/* where content has come to */
	bool survivors;			/* keywords of this reply follow */
	bool too_long;			/* and it is too long to be edited */
	bool tls, client_in_tls;
	enum gate_security security;
	bool awaits_offer;		/* the reply to EHLO will tell: originate */
	bool offer_known, offered;	/* STARTTLS, by the server */
	bool authenticated;		/* in the clear */
	bool anew;			/* in TLS, EHLO is awaited */
	struct gate_name failed;	/* why TLS with the server did */
	struct gate_name helo;		/* "EHLO client.example", to be repeated */

	/* the event under way */
	enum gate_form form;
	enum gate_end end;
	const char *why;		/* the rule that acts; NULL: none */
	bool withholds;			/* WHOLE */
	bool too_late;			/* to change anything */
	enum newline_at newline_at;	/* where the content of it begins */
	struct span raw, rest;		/* rest: steps are still to come for */
	struct span asks;		/* still to be sent to the server */
	struct span pending;		/* CONTENT: to be made; LINE: n is 0 or
					 * the octets just withheld */
	unsigned n_edits, edit;
	unsigned n_tells, tell;
	size_t n_made;

	/* as many as are counted above; not cleared at the start */
	struct gate_own own[GATE_OWN_MAX];	/* a ring */
	struct gate_edit edits[GATE_EDITS_MAX];
	struct gate_step tells[GATE_TELLS_MAX];
	char made[GATE_MADE_MAX];
};

/* mime: memory for reading content, or NULL if !policy->reads_content; rates:
 * shared by sessions, or NULL: no limits. All borrowed until the session ends. */
void gate_open(struct gate *, const struct policy *, const struct gate_peers *,
    struct mime *mime, struct rate_table *rates);

/* The server has been reached: its address without port, and ours as it sees us;
 * to be scrubbed from its replies. Before its first reply. */
void gate_connected(struct gate *, struct span server_text,
    struct span our_text);

/* What that side sends may have to be changed: nothing of it may be forwarded
 * before it has been through gate_event(). Does not change in a session. */
bool gate_holds(const struct gate *, enum smtp_side);

/* The next event of that side can be decided on: in is what has not been cut off
 * yet, ended: it sends no more. False: wait for more of it, or, the client's,
 * until a reply of ours has gone out. */
bool gate_ready(struct gate *, struct smtp_session *,
    enum smtp_side, struct span in, bool ended);

/* Decide on an event just cut off. ahead: so many octets at its front have been
 * forwarded already (the caller does not do that again): what cannot be changed
 * in part stays as it is. May tell the engine that what it has just read was not
 * sent on. */
void gate_event(struct gate *, struct smtp_session *, const struct smtp_event *,
    size_t ahead, int64_t now_us);

/* The handshake that a step ordered is over: why it failed, or NULL. The steps
 * that follow from it are next. */
void gate_secured(struct gate *, struct smtp_session *, enum smtp_side,
    const char *why);

/* What gate_next() will come to for the bytes; before its first call. */
enum gate_fate gate_fate(const struct gate *);

/* The next step of that decision; all must be taken. */
bool gate_next(struct gate *, struct gate_step *);

#endif
