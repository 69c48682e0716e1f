/* tap_part: the part a tap is gathering, and where it goes. Private to the tap. */
#ifndef RECORD_TAP_PART_H
#define RECORD_TAP_PART_H

#include "record/account.h"
#include "record/opaque.h"
#include "record/reel.h"
#include "record/tap.h"

struct tap_state {
	struct account account;
	struct reel reel;
	struct recorder_part *part;	/* under way; NULL: none */
	struct recorder_message **messages_end;
	int64_t last_us;		/* of the last segment: no two are alike */
	unsigned parts;			/* handed over */
	struct piece {			/* of the last event */
		enum smtp_side side;
		struct span secret;	/* of all of it */
		int64_t t_us;		/* of the octet before the next piece */
	} piece;
	int64_t event_us;		/* when its last octet came */
	struct opaque *opaque;		/* TLS passes through; NULL: it does not */
	bool dropping;			/* the store fails and the part is full */
	struct text discard;		/* for what is not to be recorded */
	struct recorder_message *discarded;
};

/* The session's clock, in us: no two segments have the same time. */
int64_t tap_tick(struct tap *, int64_t now_ns);

/* Where the account writes: the part, or nowhere. Done: when it has. */
struct ledger tap_ledger(struct tap *);
void tap_ledger_done(struct tap *, const struct ledger *);

/* The log under way; NULL: nothing can be kept now. */
struct text *tap_log(struct tap *);

/* Keep a frame that is no octets of a segment. */
void tap_frame(struct tap *, const struct wire_frame *);

/* Keep what is known of TLS; takes ownership. */
void tap_keep_tls(struct tap *, struct recorder_tls *);

/* An event has come: look at TLS that passes through. The session is over: keep
 * what was seen of it. */
void tap_look_at_tls(struct tap *, const struct smtp_event *, enum tap_fate);
void tap_end_tls(struct tap *);

/* Octets that were not recorded, as frames and as an event. */
void tap_tell_gaps(struct tap *);

/* A full part goes, or waits, or what comes after it is dropped. */
void tap_pass_on(struct tap *);

/* The part goes, however little there is of it. */
void tap_hand_over(struct tap *, bool last);

#endif
