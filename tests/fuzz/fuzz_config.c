/* Fuzz target: any text read as a configuration is settings or says why not, and
 * a good one is read all the same afterwards. */
#include <assert.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proxy/config.h"

#define GOOD	"record { file = none } listener \"x\" { listen = \":0\"  " \
	"upstream = x  policy = mask }\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct config_report report;

/* A file that is nowhere on disk. */
static struct settings *
read_octets(const void *octets, size_t n)
{
	static int fd = -1;
	static char path[32];

	if (fd < 0) {
		fd = memfd_create("config", 0);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) < 0 || pwrite(fd, octets, n, 0) != (ssize_t)n)
		err(1, "memfd");
	return config_read(path, "this.host", &report);
}

static void
check_policy(const struct policy *p)
{
	assert(p->host.n && policy_check(p) == NULL);
	for (size_t i = 0; i < p->n_rules; i++) {
		struct span reply = p->rules[i].reply;

		/* one line, and nothing in it that could make it two */
		for (size_t k = 0; k + 2 < reply.n; k++)
			assert(reply.p[k] >= ' ' && reply.p[k] <= '~');
		assert(reply.n == 0 || (reply.n <= POLICY_REPLY_MAX &&
		    memcmp(reply.p + reply.n - 2, "\r\n", 2) == 0));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct settings *s;

	if (n > 7 && memmem(data, n, "include", 7))
		return 0;	/* other files are none of this input */
	s = read_octets(data, n);
	assert((s == NULL) == (report.errors[0] != '\0'));
	for (unsigned i = 0; s && i < s->n_listeners; i++)
		if (s->listeners[i].policy)
			check_policy(s->listeners[i].policy);
	settings_free(s);
	s = read_octets(GOOD, sizeof(GOOD) - 1);
	assert(s && s->listeners[0].policy);
	settings_free(s);
	return 0;
}
