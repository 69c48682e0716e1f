#include "proxy/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/log.h"

struct keylog {
	char *path;
	int fd;
};

/* NULL: nobody but us can read it, from here on. */
static const char *
hide(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is no ordinary file";
	if (st.st_uid != geteuid())
		return "it belongs to another user";
	return fchmod(fd, S_IRUSR | S_IWUSR) < 0 ? strerror(errno) : NULL;
}

/* -1, and why. */
static int
open_file(const char *path, const char **why)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK, S_IRUSR | S_IWUSR);

	*why = fd < 0 ? strerror(errno) : hide(fd);
	if (fd >= 0 && *why) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

struct keylog *
keylog_open(const char *path, const char *listener, char error[OPTIONS_ERROR])
{
	struct keylog *k = calloc(1, sizeof(*k));
	const char *why = "out of memory";

	if (k && (k->path = strdup(path)) != NULL &&
	    (k->fd = open_file(path, &why)) >= 0) {
		log_sentence(LOG_ERROR, "WARNING: listener \"%s\": tls-keylog "
		    "writes the secrets of TLS connections to %s: who reads "
		    "that file can read the sessions", listener, path);
		return k;
	}
	(void)snprintf(error, OPTIONS_ERROR, "tls-keylog: %.400s: %s", path,
	    why);
	if (k)
		free(k->path);
	free(k);
	return NULL;
}

void
keylog_close(struct keylog *k)
{
	if (k == NULL)
		return;
	(void)close(k->fd);
	free(k->path);
	free(k);
}

int
keylog_fd(const struct keylog *k)
{
	return k->fd;
}

void
keylog_reopen(struct keylog *k)
{
	const char *why;
	int fd = open_file(k->path, &why);

	/* the number stays: writers see the one file or the other */
	if (fd >= 0 && dup3(fd, k->fd, O_CLOEXEC) < 0)
		why = strerror(errno);
	if (why)
		log_sentence(LOG_ERROR, "cannot reopen tls-keylog %s: %s",
		    k->path, why);
	if (fd >= 0)
		(void)close(fd);
}
