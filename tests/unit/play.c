#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inspect/transcript.h"

void
play_init(struct play *p)
{
	*p = (struct play){ 0 };
	p->bytes[0] = malloc(PLAY_SIDE_MAX);
	p->bytes[1] = malloc(PLAY_SIDE_MAX);
	p->steps = calloc(PLAY_STEPS_MAX, sizeof *p->steps);
}

void
play_free(struct play *p)
{
	free(p->bytes[0]);
	free(p->bytes[1]);
	free(p->steps);
}

void
play_say(struct play *p, enum smtp_side side, const char *bytes, size_t n)
{
	struct play_step *last = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;

	if (p->n[side] + n > PLAY_SIDE_MAX || p->n_steps == PLAY_STEPS_MAX)
		abort();
	memcpy(p->bytes[side] + p->n[side], bytes, n);
	if (last && last->side == side && !last->end)
		last->n += n;
	else
		p->steps[p->n_steps++] = (struct play_step){ side, false,
		    p->n[side], n };
	p->n[side] += n;
}

void
play_end(struct play *p, enum smtp_side side)
{
	if (p->n_steps == PLAY_STEPS_MAX)
		abort();
	p->steps[p->n_steps++] = (struct play_step){ side, true,
	    p->n[side], 0 };
}

static void
expect(struct play *p, struct span text)
{
	size_t n = strlen(p->expected);
	struct span name = span_word(&text);

	if (name.n && name.p[name.n - 1] == ':')
		name.n--;
	(void)snprintf(p->expected + n, sizeof p->expected - n, "%.*s\n",
	    (int)name.n, name.p);
}

static const char *
load_line(struct play *p, struct span line)
{
	char out[SMTP_LINE_MAX + 2];
	struct transcript_line got = { 0 };

	if (line.n > SMTP_LINE_MAX)
		return "line is too long";
	do {
		transcript_parse(&line, out, &got);
		switch (got.what) {
		case TRANSCRIPT_BYTES:
			play_say(p, got.side, got.bytes.p, got.bytes.n);
			break;
		case TRANSCRIPT_EVENT:
			expect(p, got.text);
			break;
		case TRANSCRIPT_FIN:
		case TRANSCRIPT_RESET:
			play_end(p, got.side);
			break;
		case TRANSCRIPT_OMITTED:
			return "a scenario has all its bytes";
		case TRANSCRIPT_BAD:
			return "not in the notation";
		case TRANSCRIPT_SECURED:
		case TRANSCRIPT_SESSION:
		case TRANSCRIPT_CLOSED:
		case TRANSCRIPT_COMMENT:
			break;
		}
	} while (got.more);
	return NULL;
}

bool
play_load(struct play *p, const char *path, char error[256])
{
	FILE *f = fopen(path, "rb");
	char *text = malloc(PLAY_SIDE_MAX);
	struct span rest = { text, 0 };
	const char *why = f ? NULL : "cannot be opened";

	rest.n = f ? fread(text, 1, PLAY_SIDE_MAX, f) : 0;
	for (int number = 1; rest.n && !why; number++) {
		size_t n = span_line(rest);

		why = load_line(p, span_cut(&rest, n ? n : rest.n));
		if (why)
			(void)snprintf(error, 256, "%s:%d: %s", path, number,
			    why);
	}
	if (f)
		(void)fclose(f);
	else
		(void)snprintf(error, 256, "%s: %s", path, why);
	free(text);
	return why == NULL;
}

/* A buffer of which the end is the end of what may be read. */
struct guard {
	char *base, *end;
	size_t room;
};

static struct guard
guard_new(void)
{
	struct guard g = { .room = PLAY_SIDE_MAX };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	g.base = mmap(NULL, g.room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g.base == MAP_FAILED || mprotect(g.base + g.room, page, PROT_NONE))
		abort();
	g.end = g.base + g.room;
	return g;
}

static void
guard_free(struct guard *g)
{
	(void)munmap(g->base, g->room + (size_t)sysconf(_SC_PAGESIZE));
}

static void
log_room(struct play_log *log)
{
	if (log->room - log->n >= 512)
		return;
	log->room = log->room ? log->room * 2 : 4096;
	log->p = realloc(log->p, log->room);
	if (log->p == NULL)
		abort();
}

/* State of one run. */
struct run {
	struct smtp_session session;
	const struct play *play;
	struct guard guard;
	size_t taken[2], come[2];	/* octets cut off; offered */
	struct play_log *log;
	/* a run of content or opaque, not logged yet */
	struct smtp_event joined[2];
	size_t joined_n[2];
	const char *why;
};

static bool
joinable(const struct smtp_event *ev)
{
	return ev->tile == SMTP_CONTENT || ev->tile == SMTP_OPAQUE;
}

static void
write_event(struct run *r, const struct smtp_event *ev, size_t n)
{
	struct play_log *log = &r->log[ev->side];

	log_room(log);
	log->n += (size_t)snprintf(log->p + log->n, log->room - log->n,
	    "%s %zu %s %s %d %d%d%d%d %u text %zu secret %zu odd %llx\n",
	    smtp_tile_name(ev->tile), n, smtp_verb_name(ev->verb),
	    smtp_fact_name(ev->fact), ev->code, ev->first,
	    joinable(ev) ? 0 : ev->last, ev->answered, ev->per_rcpt, ev->rcpt,
	    ev->text.n, ev->tile == SMTP_OPAQUE ? 0 : ev->secret.n,
	    (unsigned long long)ev->anomalies);
	log->anomalies |= ev->anomalies;
}

static void
write_joined(struct run *r, enum smtp_side side)
{
	if (r->joined_n[side])
		write_event(r, &r->joined[side], r->joined_n[side]);
	r->joined_n[side] = 0;
}

static void
log_event(struct run *r, const struct smtp_event *ev)
{
	struct smtp_event *j = &r->joined[ev->side];

	if (!joinable(ev)) {
		write_joined(r, ev->side);
		write_event(r, ev, ev->raw.n);
		return;
	}
	if (r->joined_n[ev->side] &&
	    (j->tile != ev->tile || j->verb != ev->verb))
		write_joined(r, ev->side);
	if (r->joined_n[ev->side] == 0)
		*j = *ev;
	j->anomalies |= ev->anomalies;
	r->joined_n[ev->side] += ev->raw.n;
	/* A chunk of BDAT ends where it ends, even before another one. */
	if (ev->last)
		write_joined(r, ev->side);
}

static const char *
check_event(const struct run *r, const struct smtp_event *ev,
    struct span before, struct span after)
{
	struct span all = ev->raw;

	if (ev->raw.n == 0)
		return "an event without bytes";
	if (ev->raw.p != before.p || after.p != before.p + ev->raw.n ||
	    after.n != before.n - ev->raw.n)
		return "raw is not what was cut off";
	if (ev->text.n && (ev->text.p < all.p ||
	    ev->text.p + ev->text.n > all.p + all.n))
		return "text lies outside raw";
	if (ev->secret.n && (ev->secret.p < all.p ||
	    ev->secret.p + ev->secret.n > all.p + all.n))
		return "secret lies outside raw";
	if (ev->side == SMTP_SERVER && ev->tile != SMTP_REPLY &&
	    ev->tile != SMTP_OPAQUE)
		return "a tile of the client on the server's side";
	(void)r;
	return NULL;
}

/* Offer what side has not had cut off; how many events that gave. */
static unsigned
pull(struct run *r, enum smtp_side side)
{
	size_t n = r->come[side] - r->taken[side];
	char *p = r->guard.end - n;
	struct span in = { p, n }, before;
	struct smtp_event ev;
	enum smtp_step step;
	unsigned events = 0;

	memcpy(p, r->play->bytes[side] + r->taken[side], n);
	for (;;) {
		before = in;
		step = smtp_next(&r->session, side, &in, &ev);
		if (step != SMTP_EVENT)
			break;
		r->why = check_event(r, &ev, before, in);
		if (r->why)
			return 0;
		log_event(r, &ev);
		events++;
	}
	if (in.p != before.p || in.n != before.n)
		r->why = "bytes taken without an event";
	if (step == SMTP_MORE && in.n >= SMTP_LINE_MAX)
		r->why = "MORE with a full line's bytes at hand";
	r->taken[side] += n - in.n;
	return events;
}

static void
pull_both(struct run *r, enum smtp_side first)
{
	enum smtp_side other = first == SMTP_CLIENT ? SMTP_SERVER :
	    SMTP_CLIENT;
	unsigned events;

	do {
		events = pull(r, first);
		events += r->why ? 0 : pull(r, other);
	} while (events && !r->why);
}

static void
feed(struct run *r, const struct play_step *step, size_t chunk)
{
	size_t left = step->n;

	if (step->end) {
		smtp_end(&r->session, step->side);
		pull_both(r, step->side);
	}
	while (left && !r->why) {
		size_t n = left < chunk ? left : chunk;

		r->come[step->side] += n;
		left -= n;
		pull_both(r, step->side);
	}
}

const char *
play_run(const struct play *p, size_t chunk, struct play_log log[2])
{
	struct run r = { .play = p, .guard = guard_new(), .log = log };

	log[0] = log[1] = (struct play_log){ 0 };
	smtp_start(&r.session);
	for (size_t i = 0; i < p->n_steps && !r.why; i++)
		feed(&r, &p->steps[i], chunk);
	smtp_end(&r.session, SMTP_SERVER);
	pull_both(&r, SMTP_SERVER);
	smtp_end(&r.session, SMTP_CLIENT);
	pull_both(&r, SMTP_CLIENT);
	pull_both(&r, SMTP_SERVER);
	pull_both(&r, SMTP_CLIENT);
	write_joined(&r, SMTP_CLIENT);
	write_joined(&r, SMTP_SERVER);
	for (int side = 0; side < 2 && !r.why; side++)
		if (r.taken[side] != p->n[side])
			r.why = "bytes left over when both sides have ended";
	guard_free(&r.guard);
	return r.why;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void
play_sort_names(char *names)
{
	char copy[4096], *line[256], *save = NULL;
	size_t n = 0, at = 0;

	(void)snprintf(copy, sizeof copy, "%s", names);
	for (char *p = strtok_r(copy, "\n", &save); p && n < 256;
	    p = strtok_r(NULL, "\n", &save))
		line[n++] = p;
	qsort(line, n, sizeof *line, by_name);
	names[0] = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)sprintf(names + at, "%s\n", line[i]);
}

void
play_names(const struct play_log log[2], char *out, size_t room)
{
	size_t at = 0;

	out[0] = '\0';
	for (int side = 0; side < 2; side++) {
		const char *p = log[side].p;

		while (p && (p = strstr(p, " odd ")) != NULL) {
			unsigned long long odd = strtoull(p += 5, NULL, 16);

			for (int i = 0; i < SMTP_ANOMALIES; i++)
				if (odd >> i & 1 && at + 64 < room)
					at += (size_t)sprintf(out + at, "%s\n",
					    smtp_anomaly((enum smtp_anomaly)i)->name);
		}
	}
	play_sort_names(out);
}

void
play_log_free(struct play_log log[2])
{
	free(log[0].p);
	free(log[1].p);
}
