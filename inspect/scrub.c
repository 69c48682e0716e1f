#include "inspect/scrub.h"

unsigned
scrub_line(const struct scrub *s, const struct smtp_event *ev,
    struct gate_edit *edits, unsigned most, char *made, size_t *n_made)
{
	(void)s, (void)ev, (void)edits, (void)most, (void)made, (void)n_made;
	return 0;
}

struct span
scrub_host(struct span text)
{
	return (struct span){ text.p, 0 };
}
