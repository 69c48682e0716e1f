/* smtptapd: relays SMTP, changes nothing, records every session.
 *
 * This thread resolves names, handles signals and waits; the workers relay. */
#include <ares.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "proxy/log.h"
#include "proxy/manual.h"
#include "proxy/reload.h"

#define RECORDER_S  1.	/* how often to look whether it can write */

struct daemon {
	struct options options;
	struct service service;
	struct reload reload;
	struct worker *workers[OPTIONS_THREADS_MAX];
	unsigned running;
	ev_signal term, interrupt, hup, usr1, usr2;
	ev_timer look;
	bool failing;		/* the recorder, as last logged */
	enum worker_stop stopping;
};

static void
stop_workers(struct daemon *d)
{
	for (unsigned i = 0; i < d->running; i++)
		worker_stop(d->workers[i], d->stopping);
}

/* The first one: let sessions finish. The second: now. */
static void
on_stop_signal(struct ev_loop *loop, ev_signal *s, int revents)
{
	struct daemon *d = s->data;

	(void)loop, (void)revents;
	d->stopping = d->stopping == WORKER_RUNS ? WORKER_DRAINS :
	    WORKER_STOPS;
	reload_stop(&d->reload);
	stop_workers(d);
}

static void
on_hup(struct ev_loop *loop, ev_signal *s, int revents)
{
	struct daemon *d = s->data;

	(void)loop, (void)revents;
	reload_request(&d->reload);
}

static void
on_usr1(struct ev_loop *loop, ev_signal *s, int revents)
{
	struct daemon *d = s->data;

	(void)loop, (void)revents;
	reload_reopen(&d->reload);
}

static void
on_usr2(struct ev_loop *loop, ev_signal *s, int revents)
{
	struct daemon *d = s->data;
	struct log_line line;
	uint64_t sum;

	(void)loop, (void)revents;
	line.n = 0;
	log_uint(&line, "sessions", atomic_load(&d->service.sessions));
#define STAT(name, meaning) \
	sum = 0; \
	for (unsigned i = 0; i < d->running; i++) \
		sum += stats_read(&d->workers[i]->stats.name); \
	log_uint(&line, #name, sum);
#include "proxy/stats.def"
#undef STAT
	log_write(&line);
}

/* One line when the store fails, and one when it works again. */
static void
on_look(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct daemon *d = t->data;
	char error[RECORD_ERROR_MAX];

	(void)loop, (void)revents;
	if (recorder_failing(d->workers[0]->port) == d->failing)
		return;
	d->failing = !d->failing;
	recorder_error(d->service.recorder, error);
	if (d->failing)
		log_sentence(LOG_ERROR, "cannot record: %s", error);
	else
		log_sentence(LOG_ERROR, "recording works again");
}

static void
watch_recorder(struct daemon *d, struct ev_loop *loop)
{
	ev_timer_init(&d->look, on_look, RECORDER_S, RECORDER_S);
	d->look.data = d;
	if (d->service.recorder)
		ev_timer_start(loop, &d->look);
}

/* Also wakes wait_for_workers(). */
static void
on_news(struct ev_loop *loop, ev_async *a, int revents)
{
	struct daemon *d = a->data;

	(void)loop, (void)revents;
	reload_look(&d->reload);
}

static void
watch_signals(struct daemon *d, struct ev_loop *loop)
{
	(void)signal(SIGPIPE, SIG_IGN);
	ev_signal_init(&d->term, on_stop_signal, SIGTERM);
	ev_signal_init(&d->interrupt, on_stop_signal, SIGINT);
	ev_signal_init(&d->hup, on_hup, SIGHUP);
	ev_signal_init(&d->usr1, on_usr1, SIGUSR1);
	ev_signal_init(&d->usr2, on_usr2, SIGUSR2);
	d->term.data = d->interrupt.data = d->hup.data = d->usr1.data =
	    d->usr2.data = d;
	ev_signal_start(loop, &d->term);
	ev_signal_start(loop, &d->interrupt);
	ev_signal_start(loop, &d->hup);
	ev_signal_start(loop, &d->usr1);
	ev_signal_start(loop, &d->usr2);
}

/* Parts of a recording come and go by the hundred kilobytes: their memory is
 * kept for the next ones rather than given back and faulted in again. One
 * arena: those of threads grow by one mprotect(2) for each allocation. */
static void
keep_memory(void)
{
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 16 << 20);
	(void)mallopt(M_TOP_PAD, 1 << 20);
}

/* As in our replies: a host name, whatever the machine is called. */
static void
name_host(char name[WORKER_NAME_MAX])
{
	if (gethostname(name, WORKER_NAME_MAX) < 0)
		name[0] = '\0';
	name[WORKER_NAME_MAX - 1] = '\0';
	name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] = '\0';
	if (name[0] == '\0')
		(void)strcpy(name, "localhost");
}

static int
fail(int code, const char *error)
{
	log_sentence(LOG_ERROR, "%s", error);
	return code;
}

static int
open_recorder(struct daemon *d)
{
	const char *file = d->reload.now->settings->record;
	struct service *s = &d->service;
	char error[RECORD_ERROR_MAX];

	if (strcmp(file, "none") == 0)
		return 0;
	s->recorder = recorder_open(file, &recorder_default_limits, error);
	return s->recorder ? 0 : fail(EX_CANTCREAT, error);
}

static int
start_workers(struct daemon *d)
{
	struct service *s = &d->service;

	for (unsigned i = 0; i < s->threads; i++) {
		d->workers[i] = worker_new(s, i, d->reload.now);
		if (d->workers[i] == NULL)
			return fail(EX_OSERR, "cannot start: out of memory or "
			    "of file descriptors");
	}
	while (d->running < s->threads) {
		int error = worker_start(d->workers[d->running]);

		if (error)
			return fail(EX_OSERR, strerror(error));
		d->running++;
	}
	return 0;
}

static void
tell_ready(const struct lineup *l, int fd)
{
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	bool told = false;

	for (unsigned i = 0; f && i < l->n; i++)
		(void)fprintf(f, "%s%s", i ? "," : "ready listen=",
		    l->rows[i].listener->text);
	if (f) {
		told = fputs("\n", f) >= 0;
		told = fclose(f) == 0 && told;
	}
	if (fd >= 0 && !told)
		log_sentence(LOG_ERROR, "--ready-fd %d: %s", fd,
		    strerror(errno));
}

/* Until the last worker has ended; a second signal may come meanwhile. */
static void
wait_for_workers(struct daemon *d, struct ev_loop *loop)
{
	for (unsigned i = 0; i < d->running; i++)
		while (!worker_has_ended(d->workers[i]))
			ev_run(loop, EVRUN_ONCE);
	for (unsigned i = 0; i < d->running; i++)
		worker_join(d->workers[i]);
}

static void
close_all(struct daemon *d)
{
	struct service *s = &d->service;
	char error[RECORD_ERROR_MAX];

	if (s->recorder && !recorder_close(s->recorder, error))
		log_sentence(LOG_ERROR, "not all has been recorded: %s", error);
	for (unsigned i = 0; i < s->threads; i++)
		if (d->workers[i])
			worker_free(d->workers[i]);
	reload_close(&d->reload);
}

/* Signals are this thread's: the others are started with all blocked. */
static int
serve(struct daemon *d, struct ev_loop *loop)
{
	struct service *s = &d->service;
	sigset_t all, before;
	int code;

	watch_signals(d, loop);
	name_host(s->name);
	s->loop = loop;
	ev_async_init(&s->news, on_news);
	s->news.data = d;
	ev_async_start(loop, &s->news);
	if ((code = reload_first(&d->reload)) != 0 || d->stopping)
		return code;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	if ((code = open_recorder(d)) == 0 && (code = start_workers(d)) == 0)
		tell_ready(d->reload.now, d->options.ready_fd);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code == 0) {
		watch_recorder(d, loop);
		reload_look(&d->reload);	/* HUP may have come already */
	} else {
		d->stopping = WORKER_STOPS;
		reload_stop(&d->reload);
		stop_workers(d);
	}
	wait_for_workers(d, loop);
	return code;
}

int
main(int argc, char **argv)
{
	static struct daemon d;
	struct options *o = &d.options;
	char error[OPTIONS_ERROR];
	struct ev_loop *loop;
	int code;

	if (!options_parse(o, argc, argv, error))
		return fail(EX_USAGE, error);
	if (o->help || o->version) {
		if (o->help)
			options_help(stdout);
		else
			(void)puts("smtptapd " SMTPTAP_VERSION);
		return fflush(stdout) == 0 ? 0 : EX_OSERR;
	}
	if (manual_asked(o)) {
		name_host(d.service.name);
		return manual_answer(o, d.service.name);
	}
	if (o->ready_fd >= 0 && fcntl(o->ready_fd, F_GETFD) < 0)
		return fail(EX_USAGE, "--ready-fd: this file descriptor is not "
		    "open");
	log_set_level(o->quiet ? LOG_ERROR : o->verbose > 1 ? LOG_DEBUG :
	    o->verbose ? LOG_VERBOSE : LOG_INFO);
	keep_memory();
	loop = ev_default_loop(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (loop == NULL || ares_library_init(ARES_LIB_INIT_ALL) != 0)
		return fail(EX_OSERR, "cannot start: no epoll, or no memory");
	reload_init(&d.reload, &d.service, d.workers, o);
	code = serve(&d, loop);
	close_all(&d);
	ares_library_cleanup();
	return code;
}
