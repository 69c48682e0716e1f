/* play: feeds a scenario to the engine, cut in any way, and checks what holds
 * for every input: tiling, progress, and that nothing outside the bytes offered
 * is read (they end at a guard page).
 *
 * A scenario is steps: one side sends some bytes. The order of the steps is part
 * of it, the cuts inside a step are not. */
#ifndef TESTS_UNIT_PLAY_H
#define TESTS_UNIT_PLAY_H

#include "inspect/smtp.h"

#define PLAY_SIDE_MAX	(1 << 20)	/* octets of one side of a scenario */
#define PLAY_STEPS_MAX	16384

struct play_step {
	enum smtp_side side;
	bool end;		/* the side sends no more; no bytes */
	size_t at, n;		/* in play.bytes[side] */
};

struct play {
	char *bytes[2];		/* all that each side sends */
	size_t n[2];
	struct play_step *steps;
	size_t n_steps;
	char expected[4096];	/* names of events, one a line, in order */
};

/* What the engine said: one line of text for each event, in a form that is the
 * same for every way of cutting (pieces of content are joined). */
struct play_log {
	char *p;
	size_t n, room;
	uint64_t anomalies;	/* all of them together */
};

void play_init(struct play *);
void play_free(struct play *);
void play_say(struct play *, enum smtp_side, const char *bytes, size_t n);
void play_end(struct play *, enum smtp_side);

/* Read tests/transcripts/NAME.smtp. False: not in the notation; error says. */
bool play_load(struct play *, const char *path, char error[256]);

/* Feed it in chunks of at most that many octets. Events of each side, in order,
 * one log a side. NULL, or what does not hold. */
const char *play_run(const struct play *, size_t chunk,
    struct play_log log[2]);

/* The names of all anomalies in a log, in the order in which they came, sorted
 * by name; one a line. */
void play_names(const struct play_log log[2], char *out, size_t room);
/* The same order for what a transcript expects. */
void play_sort_names(char *names);

void play_log_free(struct play_log log[2]);

#endif
