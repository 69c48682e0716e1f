#include "proxy/wrap.h"

#include <string.h>

/* What a terminal makes of it. */
static int
columns(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n = *text == '\t' ? n + 8 - n % 8 : n + 1;
	return n;
}

void
wrap_text(FILE *f, int *column, const char *begin, const char *text)
{
	int first = columns(begin);

	while (*text) {
		size_t n = strcspn(text, " ");

		if (*column > first && *column + 1 + (int)n > WRAP_WIDTH) {
			(void)fprintf(f, "\n%s", begin);
			*column = first;
		} else if (*column > first)
			*column += fprintf(f, " ");
		*column += fprintf(f, "%.*s", (int)n, text);
		text += n + strspn(text + n, " ");
	}
}
