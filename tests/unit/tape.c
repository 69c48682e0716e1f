#include "tests/unit/tape.h"

#include <stdlib.h>

#define STEP_US 100000

static enum wire_kind
kind_of(char mark)
{
	static const char marks[] = { [WIRE_BYTES] = ':', [WIRE_FIN] = '!',
	    [WIRE_GAP] = '?', [WIRE_OWN] = '=', [WIRE_WITHHELD] = 'x',
	    [WIRE_MADE] = '+', [WIRE_SECURED] = '~' };

	return (enum wire_kind)((const char *)memchr(marks, mark,
	    sizeof marks) - marks);
}

void
tape_make(struct store_wire *wire, const char *const lines[])
{
	size_t n = 0;

	while (lines[n])
		n++;
	*wire = (struct store_wire){ .n = n };
	wire->segments = calloc(n ? n : 1, sizeof *wire->segments);
	if (wire->segments == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		struct span bytes = span_of(lines[i] + 2);

		wire->segments[i] = (struct store_segment){
			.kind = kind_of(lines[i][1]),
			.side = lines[i][0] == 'C' ? SMTP_CLIENT : SMTP_SERVER,
			.t_us = (int64_t)i * STEP_US,
			.octets = bytes.n, .bytes = bytes,
		};
	}
}

void
tape_free(struct store_wire *wire)
{
	free(wire->segments);
}
