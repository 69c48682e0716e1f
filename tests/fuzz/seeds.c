/* seeds: turns transcripts and captured streams into inputs of fuzz_engine.
 *
 *	seeds FOLDER FILE...
 *
 * One input for each file, named after it. Exit 1 if one cannot be read. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/input.h"
#include "tests/fuzz/script_file.h"

#define PART_MAX	65535	/* octets */
#define SEED_MAX	65536	/* octets; longer ones teach the fuzzer nothing */

static size_t
encode(const struct script *s, uint8_t *out)
{
	size_t n = 0;

	out[n++] = 1;
	for (size_t i = 0; i < s->n; i++) {
		struct script_part part = s->parts[i];

		if (part.n > PART_MAX)
			part.n = PART_MAX;
		n += input_encode(s, &part, out + n);
	}
	return n < SEED_MAX ? n : SEED_MAX;
}

static void
write_seed(const char *folder, const char *file, const struct script *s)
{
	const char *slash = strrchr(file, '/');
	uint8_t *octets = malloc(s->octets[0] + s->octets[1] + 3 * s->n + 1);
	char path[512];
	FILE *f;
	size_t n;

	if (!octets)
		err(1, "%s", file);
	n = encode(s, octets);
	(void)snprintf(path, sizeof(path), "%s/%s", folder,
	    slash ? slash + 1 : file);
	f = fopen(path, "wb");
	if (!f || fwrite(octets, 1, n, f) != n || fclose(f))
		err(1, "%s", path);
	free(octets);
}

int
main(int argc, char **argv)
{
	struct script s = { .n = 0 };
	char error[200];

	if (argc < 2)
		errx(1, "usage: seeds FOLDER FILE...");
	for (int i = 2; i < argc; i++) {
		script_clear(&s);
		if (!script_read(&s, argv[i], error))
			errx(1, "%s", error);
		write_seed(argv[1], argv[i], &s);
	}
	script_free(&s);
	return 0;
}
