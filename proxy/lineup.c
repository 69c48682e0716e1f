#include "proxy/lineup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "proxy/log.h"

#define SPARE_FILES 32	/* stdio, the store's files, lookups, one to refuse */

struct settings_listener *
lineup_section(const struct lineup *l, const struct listener *listener)
{
	for (unsigned i = 0; l && i < l->n; i++)
		if (l->rows[i].listener == listener)
			return l->rows[i].section;
	return NULL;
}

/* One that suits and is not taken yet. With port 0 only that of the section of
 * the same name has the port that its clients know. */
static struct listener *
listener_kept(const struct lineup *before, const struct lineup *next,
    const struct settings_listener *section, const struct endpoint *e)
{
	for (unsigned i = 0; before && i < before->n; i++) {
		const struct lineup_row *row = &before->rows[i];

		if (listener_suits(row->listener, e) &&
		    (e->port || strcmp(row->section->name, section->name) == 0)
		    && lineup_section(next, row->listener) == NULL)
			return row->listener;
	}
	return NULL;
}

static int
open_row(struct lineup *l, struct settings_listener *section,
    const struct endpoint *e, unsigned threads, const struct lineup *before,
    char error[OPTIONS_ERROR])
{
	struct listener *listener = listener_kept(before, l, section, e);
	int code = listener ? 0 : listener_open(&listener, e, threads, error);

	if (code == 0)
		l->rows[l->n++] = (struct lineup_row){ listener, section };
	return code;
}

static int
open_rows(struct lineup *l, unsigned threads, const struct lineup *before,
    char error[OPTIONS_ERROR])
{
	int code = 0;

	for (unsigned i = 0; i < l->settings->n_listeners; i++) {
		struct settings_listener *section = &l->settings->listeners[i];

		for (unsigned e = 0; e < section->n_listen && code == 0; e++)
			code = open_row(l, section, &section->listen[e],
			    threads, before, error);
	}
	return code;
}

/* The row where a session of that section would come in again. */
static const struct lineup_row *
row_behind(const struct lineup *l, const struct settings_listener *section)
{
	struct address a;

	for (unsigned i = 0; origin_address(section->origin, i, &a); i++)
		for (unsigned r = 0; r < l->n; r++)
			if (listener_catches(l->rows[r].listener, &a))
				return &l->rows[r];
	return NULL;
}

/* The mail server behind us must not be ourselves: neither the listener, nor
 * one whose way leads back to it. */
static int
refuse_circle(const struct lineup *l, const struct settings_listener *section,
    char error[OPTIONS_ERROR])
{
	const struct lineup_row *row = row_behind(l, section);

	for (unsigned hops = 0; row && row->section != section &&
	    hops < l->settings->n_listeners; hops++)
		row = row_behind(l, row->section);
	if (row == NULL || row->section != section)
		return 0;
	if (section->name[0] == '\0') {
		(void)snprintf(error, OPTIONS_ERROR, "--upstream %s is our own "
		    "--listen %s: mail would run in a circle",
		    section->upstream.host, row->listener->text);
		return EX_USAGE;
	}
	(void)snprintf(error, OPTIONS_ERROR, "listener \"%s\": its upstream %s "
	    "leads back to its own %s: mail would run in a circle",
	    section->name, section->upstream.host, row->listener->text);
	return EX_CONFIG;
}

/* As many sessions as there are descriptors for. */
static void
limit_sessions(struct settings *s, rlim_t doors, unsigned threads)
{
	rlim_t reserved = SPARE_FILES + doors + threads * 4;
	struct rlimit files = { 0 };
	rlim_t most;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
		(void)getrlimit(RLIMIT_NOFILE, &files);
	}
	most = files.rlim_cur > reserved + 2 ? (files.rlim_cur - reserved) / 2 :
	    1;
	if (most > 1000000)
		most = 1000000;
	if (s->max_sessions > most)
		log_sentence(LOG_ERROR, "max-sessions %u needs more open "
		    "files than the limit of %llu allows; it is enough for %u",
		    s->max_sessions, (unsigned long long)files.rlim_cur,
		    (unsigned)most);
	if (s->max_sessions == 0)
		s->max_sessions = (unsigned)most;
}

int
lineup_open(struct lineup **out, struct settings *s, unsigned threads,
    const struct lineup *before, char error[OPTIONS_ERROR])
{
	struct lineup *l;
	unsigned n = 0;
	int code;

	for (unsigned i = 0; i < s->n_listeners; i++)
		n += s->listeners[i].n_listen;
	l = calloc(1, sizeof(*l) + n * sizeof(*l->rows));
	if (l == NULL) {
		(void)snprintf(error, OPTIONS_ERROR, "out of memory");
		return EX_OSERR;
	}
	l->settings = s;
	code = open_rows(l, threads, before, error);
	for (unsigned i = 0; i < s->n_listeners && code == 0; i++)
		code = refuse_circle(l, &s->listeners[i], error);
	if (code) {
		lineup_close(l, before);
		return code;
	}
	limit_sessions(s, l->n * threads, threads);
	*out = l;
	return 0;
}

void
lineup_close(struct lineup *l, const struct lineup *kept)
{
	for (unsigned i = 0; l && i < l->n; i++)
		if (lineup_section(kept, l->rows[i].listener) == NULL)
			listener_close(l->rows[i].listener);
	free(l);
}
