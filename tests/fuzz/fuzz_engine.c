/* Fuzz target: any two streams, in any order, through the engine; its promises
 * hold, and the events are the same however the streams are cut. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct script s;
	static struct script_trace t;
	uint32_t seed = input_decode(&s, data, n);
	const char *finding = script_check(&s, seed, &t);

	if (finding) {
		fprintf(stderr, "%s\n", finding);
		abort();
	}
	return 0;
}
