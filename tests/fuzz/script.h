/* script: what two sides said, in the order in which they said it; played
 * through the engine in pieces of any size, with its promises checked.
 *
 * A finding is one sentence, or NULL; it is static or in the trace. Aborts when
 * memory runs out. */
#ifndef FUZZ_SCRIPT_H
#define FUZZ_SCRIPT_H

#include "inspect/smtp.h"

struct script_part {
	enum smtp_side side;
	bool end;		/* this side will say no more */
	size_t at, n;		/* of the bytes of its side */
};

struct script {
	struct script_part *parts;
	size_t n, room;
	char *bytes[2];		/* all that a side says; [enum smtp_side] */
	size_t octets[2], space[2];
	bool ended[2];		/* nothing more is added for that side */
	bool strict;		/* smtp_strict() */
};

/* An event whose spans are offsets, so that two plays can be compared. Pieces of
 * content or opaque octets are joined. */
struct script_event {
	enum smtp_tile tile;
	enum smtp_verb verb;
	enum smtp_fact fact;
	uint64_t anomalies;
	int code;
	bool first, last, answered, per_rcpt;
	unsigned rcpt;
	size_t raw_at, raw_n;	/* of the bytes of its side */
	size_t text_at, text_n, secret_at, secret_n;	/* 0, 0: none */
};

/* Each side's events in order. Between the sides, the order of events that
 * became possible at the same time is the caller's. */
struct script_trace {
	struct script_event *events[2];
	size_t n[2], room[2];
	char finding[400];
};

void script_say(struct script *, enum smtp_side, const void *p, size_t n);
void script_end(struct script *, enum smtp_side);
void script_clear(struct script *);	/* empty; the memory stays */
void script_free(struct script *);

/* Play it in pieces of `piece` octets (0: each part whole); with a seed, of 1 to
 * piece octets at random. Gives the events and the first promise broken: tiling,
 * spans inside raw, no empty event, MORE bounded, everything consumed. */
const char *script_play(const struct script *, size_t piece, uint32_t seed,
    struct script_trace *);
void script_trace_free(struct script_trace *);

/* Play it in this and that way; the promise broken, or the first difference. */
const char *script_check(const struct script *, uint32_t seed,
    struct script_trace *);

/* Play it at a piece size and compare with a trace of the same script. */
const char *script_same(const struct script *, size_t piece, uint32_t seed,
    struct script_trace *with);

#endif
