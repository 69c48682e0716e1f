#include "proxy/reload.h"

#include <string.h>
#include <sysexits.h>

#include "proxy/config.h"
#include "proxy/listener_tls.h"
#include "proxy/log.h"
#include "proxy/profile.h"

#define REFUSED		"reload refused: "
#define GOES_ON		"; the old configuration goes on"
#define NO_MEMORY	"out of memory\n"

/* Each line of a report, as a sentence of the log with these around it. */
static void
log_lines(enum log_level level, const char *before, const char *text,
    const char *behind)
{
	for (size_t n; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		log_sentence(level, "%s%.*s%s", before, (int)n, text, behind);
	}
}

/* With the built-in profile of --policy. */
static struct settings *
settings_of_options(const struct options *o, const char *host,
    struct config_report *report)
{
	const char *profile = profile_text(o->policy ? o->policy : "none");
	struct policies *policies = config_policies(profile, host, report);
	struct settings *s = policies ? settings_from_options(o, policies) :
	    NULL;
	struct listener_tls_fault fault;
	char option[64];

	if (s == NULL || listener_tls_open(&s->listeners[0], o, &fault))
		return s;
	(void)snprintf(option, sizeof(option), "--%s", fault.key);
	report_error(report, (struct place){ option, 0 }, "%s", fault.why);
	settings_free(s);
	return NULL;
}

/* NULL: the report has a line of why. */
static struct settings *
read_settings(const struct reload *r, struct config_report *report)
{
	const struct options *o = r->options;
	const char *host = r->service->name;
	struct settings *s;

	report->errors[0] = report->notes[0] = '\0';
	s = o->config ? config_read(o->config, host, report) :
	    settings_of_options(o, host, report);
	if (s == NULL && report->errors[0] == '\0')
		(void)strcpy(report->errors, NO_MEMORY);
	if (s && s->threads == 0)
		s->threads = o->threads;
	return s;
}

/* What is read again. */
static const char *
subject(const struct reload *r)
{
	return r->options->config ? r->options->config : "the command line";
}

static void
refuse(const struct reload *r, const char *why)
{
	log_sentence(LOG_ERROR, REFUSED "%s: %s" GOES_ON, subject(r), why);
}

/* What is fixed from the start on. NULL: nothing of it is to change. */
static const char *
fixed(const struct settings *now, const struct settings *next)
{
	if (strcmp(now->record, next->record) != 0)
		return "the file of the recording cannot change without a "
		    "restart";
	if (now->threads != next->threads)
		return "the number of threads cannot change without a restart";
	return NULL;
}

static void
on_resolved(void *arg)
{
	struct reload *r = arg;
	struct settings *s = r->found;
	char error[OPTIONS_ERROR];

	r->found = NULL;
	(void)strcpy(error, s->error);
	if (error[0] == '\0' && !settings_log_keys(s))
		(void)strcpy(error, s->error);
	if (error[0] == '\0' && lineup_open(&r->next, s, r->service->threads,
	    r->now, error) == 0) {
		for (unsigned i = 0; i < r->service->threads; i++)
			worker_change(r->workers[i], r->next);
		return;
	}
	refuse(r, error);
	settings_free(s);
	ev_async_send(r->service->loop, &r->service->news);
}

static void
begin(struct reload *r)
{
	struct config_report report;
	struct settings *s = read_settings(r, &report);
	const char *why = s ? fixed(r->now->settings, s) : NULL;

	log_lines(LOG_INFO, "", report.notes, "");
	log_lines(LOG_ERROR, REFUSED, report.errors, GOES_ON);
	if (why) {
		refuse(r, why);
		settings_free(s);
		s = NULL;
	}
	r->found = s;
	if (s)
		settings_resolve(s, r->service->loop, r->now->settings,
		    on_resolved, r);
}

static bool
is_under_way(const struct reload *r)
{
	return r->found || r->next;
}

void
reload_init(struct reload *r, struct service *s, struct worker **workers,
    const struct options *o)
{
	*r = (struct reload){ .service = s, .workers = workers, .options = o };
	LIST_INIT(&r->old);
}

/* reload_first() sees it. */
static void
on_first_resolved(void *arg)
{
	(void)arg;
}

int
reload_first(struct reload *r)
{
	struct config_report report;
	struct settings *s = r->found = read_settings(r, &report);
	int code;

	log_lines(LOG_INFO, "", report.notes, "");
	log_lines(LOG_ERROR, "", report.errors, "");
	if (s == NULL)
		return strcmp(report.errors, NO_MEMORY) ? EX_CONFIG : EX_OSERR;
	r->service->threads = s->threads;
	settings_resolve(s, r->service->loop, NULL, on_first_resolved, NULL);
	while (!r->stopped && s->awaited)
		(void)ev_run(r->service->loop, EVRUN_ONCE);
	if (r->stopped)
		return 0;
	code = s->error[0] ? EX_UNAVAILABLE :
	    !settings_log_keys(s) ? EX_CANTCREAT :
	    lineup_open(&r->now, s, s->threads, NULL, s->error);
	if (code)
		log_sentence(LOG_ERROR, "%s", s->error);
	else
		r->found = NULL;
	return code;
}

/* Of the command line. */
static bool
has_certificates(const struct reload *r)
{
	const struct settings_listener *l = r->now ?
	    r->now->settings->listeners : NULL;

	return l && (l->tls_client || l->tls_upstream);
}

void
reload_request(struct reload *r)
{
	if (r->options->config == NULL && !has_certificates(r))
		log_sentence(LOG_ERROR, "nothing to reload: there is no "
		    "--config FILE");
	else if (r->stopped)
		log_sentence(LOG_ERROR, "%s is not reloaded: smtptapd is "
		    "stopping", subject(r));
	else if (is_under_way(r))
		r->again = true;
	else
		begin(r);
}

/* The last session of settings may end any time. */
static void
free_unused(struct reload *r)
{
	struct settings *s, *next;

	for (s = LIST_FIRST(&r->old); s; s = next) {
		next = LIST_NEXT(s, old);
		if (atomic_load(&s->users))
			continue;
		LIST_REMOVE(s, old);
		settings_free(s);
	}
}

static bool
all_have_changed(const struct reload *r)
{
	for (unsigned i = 0; i < r->service->threads; i++)
		if (!worker_has_changed(r->workers[i]))
			return false;
	return true;
}

static void
take_place_of(struct reload *r, struct lineup *before)
{
	struct settings *s = before->settings;

	r->now = r->next;
	r->next = NULL;
	lineup_close(before, r->now);
	LIST_INSERT_HEAD(&r->old, s, old);
	(void)settings_drop(s);
	s = r->now->settings;
	log_sentence(LOG_INFO, "reloaded %s: %u listeners, %u policies",
	    subject(r), s->n_listeners,
	    s->policies ? policies_count(s->policies) : 0);
}

void
reload_look(struct reload *r)
{
	if (r->next && all_have_changed(r))
		take_place_of(r, r->now);
	free_unused(r);
	if (r->again && !is_under_way(r)) {
		r->again = false;
		begin(r);
	}
}

void
reload_reopen(struct reload *r)
{
	struct settings *s;

	LIST_FOREACH(s, &r->old, old)
		settings_reopen_keys(s);
	if (r->now)
		settings_reopen_keys(r->now->settings);
	if (r->next)
		settings_reopen_keys(r->next->settings);
}

void
reload_stop(struct reload *r)
{
	r->stopped = true;
	r->again = false;
	settings_free(r->found);
	r->found = NULL;
}

void
reload_close(struct reload *r)
{
	struct lineup *lineups[] = { r->now, r->next };

	reload_stop(r);
	for (int i = 0; i < 2; i++)
		if (lineups[i])
			LIST_INSERT_HEAD(&r->old, lineups[i]->settings, old);
	lineup_close(r->now, r->next);
	lineup_close(r->next, NULL);
	for (struct settings *s; (s = LIST_FIRST(&r->old)) != NULL;) {
		LIST_REMOVE(s, old);
		settings_free(s);
	}
}
