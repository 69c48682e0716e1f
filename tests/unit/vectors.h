/* vectors: the cases of tests/vectors/inspect.txt; the file's own comment says
 * what they are.
 *
 * Strict: a line that is not understood is an error, and so is a case that lacks
 * something. `feed:` says how to feed a case; those who read these feed each in
 * every way. */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include "inspect/smtp.h"

#define VECTORS_MAX		64
#define VECTOR_STEPS_MAX	16
#define VECTOR_STEP_MAX		512	/* octets of one write */
#define VECTOR_ALL_MAX		1024	/* octets that arrive at one side */
#define VECTORS_ERROR		256

struct vector_step {
	enum smtp_side side;
	size_t n;
	char bytes[VECTOR_STEP_MAX];
};

struct vector {
	char name[16];		/* "T01" */
	char policy[512];	/* what stands in the policy section */
	bool early;		/* the client has a line before the server's
				 * second step */
	unsigned n_steps;
	struct vector_step steps[VECTOR_STEPS_MAX];
	struct {
		bool given;
		size_t n;
		char bytes[VECTOR_ALL_MAX];
	} arrives[2];		/* at that side, in all */
};

/* How many cases the file has; 0: error says which line is wrong, and why. */
size_t vectors_load(const char *path, struct vector list[VECTORS_MAX],
    char error[VECTORS_ERROR]);

#endif
