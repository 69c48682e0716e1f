/* smtp: reads one SMTP or LMTP session, both directions, without any I/O.
 *
 * The caller owns the bytes. smtp_next() cuts one unit off the front of what
 * a side has sent and says what it is:
 *
 *	while ((step = smtp_next(&s, SMTP_CLIENT, &in, &ev)) == SMTP_EVENT)
 *		consume(&ev);
 *
 * Tiling: the ev.raw of one side, laid end to end, are exactly the bytes that
 * side sent. Nothing is copied, allocated, dropped or normalised; no input
 * is refused.
 *
 * Independent of chunking: however the bytes are cut, the events are the
 * same, except that CONTENT and OPAQUE may come in more or fewer pieces (their
 * anomalies add up to the same). What counts is the order in which the two
 * sides spoke: offer a side's bytes when they have come, before the other
 * side's later ones. Each step of one side may make the other readable: begin
 * with the side that has just sent, and go on until neither gives an EVENT.
 *
 * Replies drive, requests only predict: a verb never changes how the client's
 * next bytes are read, the server's reply to that verb does. Replies are
 * paired with commands by position, never by text.
 *
 * Not thread-safe; one session belongs to one thread at a time. No errors:
 * what is wrong with the bytes is in ev.anomalies.
 * RFC 5321 unless said otherwise. */
#ifndef INSPECT_SMTP_H
#define INSPECT_SMTP_H

#include <stdint.h>

#include "inspect/span.h"

#define SMTP_LINE_MAX	65536	/* octets: the longest line held in one piece */
#define SMTP_HOLD_MAX	32768	/* octets kept back behind an EOD_CANDIDATE */
#define SMTP_PENDING_MAX 256	/* commands awaiting replies; then WAIT */

enum smtp_side { SMTP_CLIENT, SMTP_SERVER };

static inline enum smtp_side
smtp_other(enum smtp_side side)
{
	return side == SMTP_CLIENT ? SMTP_SERVER : SMTP_CLIENT;
}

enum smtp_verb {
#define VERB(symbol, keyword, flow, last_in_group, secret, section) \
	SMTP_##symbol,
#include "inspect/verbs.def"
#undef VERB
	SMTP_VERBS
};

/* What a run of bytes is. */
enum smtp_tile {
	SMTP_COMMAND,		/* a command line; SMTP_CREDENTIAL continues AUTH */
	SMTP_CREDENTIAL,	/* a line of an AUTH exchange, from the client */
	SMTP_CONTENT,		/* mail data: of DATA still dot-stuffed, of BDAT as is */
	SMTP_END_OF_DATA,	/* the "." line that ends DATA */
	SMTP_REPLY,		/* one line of a reply */
	SMTP_OPAQUE,		/* not interpreted: TLS, the rest of an overlong line,
				 * octets of XEXCH50, what follows a lost connection */
	SMTP_TILES
};

enum smtp_fact {
#define FACT(symbol, name) SMTP_FACT_##symbol,
#include "inspect/facts.def"
#undef FACT
	SMTP_FACTS
};

/* Departures from the protocol; bit numbers of smtp_event.anomalies. */
enum smtp_anomaly {
#define ANOMALY(symbol, name, severity, section, meaning) SMTP_ODD_##symbol,
#include "inspect/anomalies.def"
#undef ANOMALY
	SMTP_ANOMALIES
};

#define SMTP_ODD(symbol) (UINT64_C(1) << SMTP_ODD_##symbol)

/* What the server's last accepted EHLO offered; bits. */
enum smtp_extension {
	SMTP_EXT_PIPELINING	= 1 << 0,
	SMTP_EXT_CHUNKING	= 1 << 1,
	SMTP_EXT_STARTTLS	= 1 << 2,
	SMTP_EXT_SMTPUTF8	= 1 << 3,
	SMTP_EXT_8BITMIME	= 1 << 4,
};

struct smtp_event {
	enum smtp_tile tile;
	enum smtp_side side;
	enum smtp_verb verb;	/* of the command; of a reply, the command it
				 * answers; NONE for UNSOLICITED and BAD_REPLY */
	enum smtp_fact fact;	/* of a reply: only on its last line */
	uint64_t anomalies;	/* SMTP_ODD(BARE_LF) | ... */
	int code;		/* reply: 100..999; 0 for a line without one */
	bool first, last;	/* reply: first and final line; BDAT and XEXCH50:
				 * the last octets, or a command without any */
	bool answered;		/* reply: the command has all its replies */
	bool per_rcpt;		/* LMTP reply to END or BDAT LAST: it is for ... */
	unsigned rcpt;		/* ... this accepted recipient, from 0 */
	struct span raw;	/* the bytes; good until the caller moves them */
	struct span text;	/* command: argument; reply: after the code */
	struct span secret;	/* part of raw that must not be kept; n = 0: none */
};

/* Set up by smtp_start(), then used. Callers read no field. */
struct smtp_session {
	unsigned char pending[SMTP_PENDING_MAX];	/* enum smtp_verb, a ring */
	unsigned oldest, in_flight;
	uint64_t octets_left;	/* of the chunk; of XEXCH50 */
	uint64_t octets;	/* of this message's content, as meant */
	uint64_t declared;	/* SIZE= of MAIL; 0: none */
	unsigned rcpts;		/* accepted in this transaction */
	unsigned rcpt_reply;	/* LMTP: replies already seen to this END */
	unsigned reply_lines;	/* of the reply under way */
	unsigned line_octets;	/* of the content line under way */
	int reply_code;		/* of the reply under way; 0: none */
	unsigned char reply_verb;	/* what its first line answered */
	unsigned char extensions;	/* enum smtp_extension */
	unsigned char phase;	/* grammar of the client's next bytes */
	unsigned char eol;	/* where the content scan stands */
	unsigned short looked_at;	/* octets of what is kept back */
	unsigned char candidate;/* octets of the end-of-data lookalike in front */
	unsigned char hold;	/* what is known about the bytes behind it */
	unsigned char chunk;	/* BDAT or BDAT_LAST, while in a chunk */
	bool lmtp;		/* LHLO was accepted */
	bool in_tx;		/* MAIL was accepted */
	bool mail_said;		/* MAIL was sent, and no end of data behind it */
	bool chunking;		/* BDAT without LAST so far */
	bool chunk_unsent;	/* the chunk under way was withdrawn */
	bool body_8bit;		/* BODY= other than 7BIT, or SMTPUTF8 */
	bool smtputf8;
	bool quit;		/* the client has said QUIT */
	bool early;		/* the client spoke while held */
	bool client_first;	/* and what it said is to be read before replies */
	bool server_first;	/* a reply that has come is to be read before
				 * more commands */
	bool reply_kept;	/* so are all whole lines the server has sent:
				 * they came before those commands */
	bool excess;		/* the client had to wait for room in pending */
	bool strict;		/* smtp_strict() */
	bool suspect;		/* unknown commands may be stray credentials */
	bool opaque;		/* neither side is interpreted any more */
	bool tls_due;		/* TLS has begun, the client's is to come */
	bool opaque_secret;	/* and what the client sends may be a credential */
	bool skipping[2];	/* inside an overlong line of that side */
	bool skip_secret;	/* and it is a credential */
	bool ended[2];		/* smtp_end() was called */
	bool drained[2];	/* and all that side sent has been cut off */
};

enum smtp_step {
	SMTP_EVENT,	/* *ev is set, its bytes are cut off *in */
	SMTP_MORE,	/* a unit is not whole: read more from this side */
	SMTP_WAIT,	/* the other side must speak first */
};

/* The client has connected; the greeting is awaited (3.1). */
void smtp_start(struct smtp_session *);

/* Cut one unit off the front of what side has sent and has not been cut off
 * before. in is contiguous: after MORE or WAIT, offer the same bytes again with
 * what has come since. A MORE leaves fewer than SMTP_LINE_MAX octets. */
enum smtp_step smtp_next(struct smtp_session *, enum smtp_side side,
    struct span *in, struct smtp_event *ev);

/* This side will send no more. Offer what is left until MORE with nothing left,
 * then once more with nothing: from there the other side no longer waits. */
void smtp_end(struct smtp_session *, enum smtp_side side);

/* Understand no more: what waits and what is still to come, of both sides, is
 * OPAQUE. For a caller that cannot hold all that WAIT leaves with it. */
void smtp_give_up(struct smtp_session *);

/* The server is known to end mail data at CRLF.CRLF only, because it is us, or
 * because it gets nothing else: nothing is kept back behind a lookalike, and no
 * piece of content ends in a CR that is not the last octet the client sends.
 * After smtp_start(), or between commands. */
void smtp_strict(struct smtp_session *, bool);

/* The command, line of AUTH or end of data that was the last event is not sent
 * on: no reply to it will come. Behind BDAT its octets follow all the same. */
void smtp_withdraw(struct smtp_session *, const struct smtp_event *);

/* Instead of the command that was the last event the server was sent a line that
 * it will know no verb in. */
void smtp_disguise(struct smtp_session *, const struct smtp_event *);

/* The caller does not go on with the client's bytes before another reply. */
void smtp_server_first(struct smtp_session *);

/* The server is sent a command that the client has not said; nothing else is
 * awaited. */
void smtp_inject(struct smtp_session *, enum smtp_verb);

/* What the server's next reply line answers; NONE: nothing. */
enum smtp_verb smtp_answering(const struct smtp_session *);

/* Commands that have been sent and have not had their whole reply. */
unsigned smtp_awaited(const struct smtp_session *);

/* Bytes wait, the client's and perhaps the server's, because a server might have
 * taken for the end of data what is content by the standard. Who sends on only
 * what is understood must send these on all the same: more of them tell. */
bool smtp_doubts_content(const struct smtp_session *);

/* After TLS_BEGINS, if we take part in TLS on both sides: everything said
 * before is forgotten (RFC 3207 4.2); EHLO is expected, no greeting. Without
 * this call both sides are OPAQUE from TLS_BEGINS on. */
void smtp_tls_started(struct smtp_session *);

/* No reply is half said, and both sides are understood: a line of smtptap's own
 * would be a reply of its own, to what has waited longest. */
bool smtp_between_replies(const struct smtp_session *);

/* The word a command line begins with: where its verb would stand. */
struct span smtp_verb_word(struct span line);

/* The keyword, "MAIL"; static, never NULL, "" for what has none. */
const char *smtp_verb_name(enum smtp_verb);

const char *smtp_tile_name(enum smtp_tile);
const char *smtp_fact_name(enum smtp_fact);

/* What an anomaly is called, how bad it is, and where it is written. */
struct smtp_anomaly_row {
	const char *name, *severity, *section, *meaning;
};
const struct smtp_anomaly_row *smtp_anomaly(enum smtp_anomaly);

/* The path of MAIL FROM:<...> or RCPT TO:<...>, without angle brackets and
 * source route; the whole argument behind the colon if it is ill-formed. */
struct span smtp_path(struct span argument);

/* The value of a parameter of MAIL or RCPT ("SIZE"); p = NULL if absent. */
struct span smtp_parameter(struct span argument, const char *keyword);

/* The enhanced status code at the front of a reply's text ("5.7.1"), RFC 3463;
 * n = 0 if there is none. */
struct span smtp_enhanced(int code, struct span text);

/* The queue id in the text of a reply to end of data; n = 0 if there is none
 * that we know how to find. One row per server's phrase, in queueids.def. */
struct span smtp_queue_id(struct span text);

#endif
