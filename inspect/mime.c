#include "inspect/mime.h"

void
mime_start(struct mime *m, bool stuffed)
{
	m->stuffed = stuffed;
}

bool
mime_read(struct mime *m, struct span *in, struct mime_find *find)
{
	(void)m, (void)find;
	in->n = 0;
	return false;
}

bool
mime_end(struct mime *m, struct mime_find *find)
{
	(void)m, (void)find;
	return false;
}
