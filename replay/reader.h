/* reader: transcripts as people and export write them, back into sessions.
 *
 * Lines without a time: those of one side that follow each other came in one
 * segment, and each segment came a millisecond after the one before. What stands
 * for the whole content of a DATA, as show prints it, is followed by the "." line
 * it stands for too.
 *
 * A line that smtptap made ("<=  ") is one of its own, or part of what that side
 * said. With a time it is its own, without one it belongs to the segment it
 * stands in. In text without times, it belongs to what stands before it if that
 * was not forwarded, is not a whole line, or is not the last line of a reply. */
#ifndef REPLAY_READER_H
#define REPLAY_READER_H

#include "record/store.h"

#define READER_ERROR_MAX 256

struct reader {
	struct span text;	/* not yet read */
	unsigned line;		/* number of the line read last */
};

/* A rule that fired: *** rule "NAME", SEVERITY: DETAIL */
struct reader_rule {
	int64_t t_us;		/* of the segment it fired on */
	struct span name, severity, detail;	/* borrowed from the text */
};

struct reader_session {
	struct store_wire wire;
	struct reader_rule *rules;	/* as they stand in the text */
	size_t n_rules;
	/* from the first line; "" if it does not say */
	char id[64], started_at[64], client[64], upstream[128], listener[32],
	    original_dst[64];
	char ended_by[64];	/* "": no line says so */
	int64_t duration_us;	/* -1: no line says so */
};

/* Read one session, up to the next "=== session" line or the end. False: none
 * left, *error is ""; or a sentence without the line's number. Free it in any
 * case with reader_free(). */
bool reader_next(struct reader *, struct reader_session *,
    char error[READER_ERROR_MAX]);
void reader_free(struct reader_session *);

#endif
