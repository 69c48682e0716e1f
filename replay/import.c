/* import: transcripts into a recording. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "record/tap.h"
#include "record/tls_text.h"
#include "record/uuid.h"
#include "replay/moment.h"
#include "replay/print.h"
#include "replay/reader.h"
#include "replay/verbs.h"
#include "replay/walk.h"

struct import {
	const char *db;
	struct recorder *recorder;
	struct recorder_port *port;
	struct tap tap;
	int64_t now_ns;		/* of the last thing that happened */
	int64_t tile_us;	/* when the last tile came, */
	enum smtp_side tile_side;	/* and from whom */
	size_t rule;		/* of the session's, those before are fed */
};

/* The recorder has room again; import only waits where it needs some. */
static void
drained(void *arg)
{
	(void)arg;
}

static int64_t
wall_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);	/* cannot fail */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Whether the recording has a session of this id already. */
static bool
is_known(const struct import *im, const char *id)
{
	char error[RECORD_ERROR_MAX];
	struct store *store;
	bool known;

	if (!recorder_flush(im->recorder))
		return true;
	store = store_open(im->db, error);
	known = store && store_find(store, id, error) != 0;
	store_close(store);
	return known;
}

/* The id the text gives, if it is a whole one and still free. */
static bool
given_id(const struct import *im, const char *id, unsigned char uuid[16])
{
	unsigned char high[16];

	return uuid_range(id, uuid, high) && memcmp(uuid, high, 16) == 0 &&
	    !is_known(im, id);
}

/* A line the engine has read, and what became of it. */
static void
feed_tile(struct import *im, const struct walk_unit *u)
{
	tap_event(&im->tap, &u->ev, u->fate);
	if (u->fate != TAP_EDITED)
		return;
	for (size_t i = 0; i < u->run.n; i++) {
		const struct track_piece *p = &u->run.pieces[i];

		if (p->fate == TRACK_PASSED)
			tap_passed(&im->tap, p->bytes);
		else if (p->fate == TRACK_WITHHELD)
			tap_withheld(&im->tap, p->bytes);
		else
			tap_made(&im->tap, p->bytes);
	}
}

/* That side came to TLS; of the chain of certificates a text says nothing. */
static void
feed_secured(struct import *im, const struct walk_unit *u, int64_t at_ns)
{
	struct recorder_tls words = { .side = u->side };
	struct tap_tls tls = { .version = words.version,
	    .cipher = words.cipher, .group = words.group, .sni = words.sni,
	    .alpn = words.alpn, .verified = words.verified };

	tls_text_parse(u->ev.raw, &words);
	tls.resumed = words.resumed;
	tls.handshake_us = words.handshake_us;
	tap_secured(&im->tap, u->side, &tls, at_ns);
}

static void
feed_unit(struct import *im, const struct walk_unit *u)
{
	int64_t at_ns = u->t_us * 1000;

	switch (u->what) {
	case WALK_HEARD:
		tap_received(&im->tap, u->side, (size_t)u->octets, at_ns);
		break;
	case WALK_TILE:
		feed_tile(im, u);
		im->tile_us = u->t_us;
		im->tile_side = u->side;
		break;
	case WALK_OWN:
		tap_own(&im->tap, u->side, u->ev.raw, u->midway, at_ns);
		break;
	case WALK_GAP:
		tap_gap(&im->tap, u->side, u->octets, at_ns);
		break;
	case WALK_SECURED:
		feed_secured(im, u, at_ns);
		break;
	case WALK_FIN:
	case WALK_RESET:
		tap_closed(&im->tap, u->side, u->what == WALK_RESET, at_ns);
		break;
	}
	if (im->now_ns < at_ns)
		im->now_ns = at_ns;
	/* the walk moves the bytes with its next step */
	tap_settle(&im->tap);
	if (!tap_ready(&im->tap))
		(void)recorder_flush(im->recorder);
}

static int
hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, span_lower(c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What an escape at the front of s stands for, cut off; -1: it begins with none.
 * Backslashes that are not of print_text() stay. */
static int
take_escape(struct span *s)
{
	int c = -1;

	if (s->n >= 2 && s->p[0] == '\\' && (s->p[1] == 'r' || s->p[1] == 'n'))
		c = s->p[1] == 'r' ? '\r' : '\n';
	else if (s->n >= 4 && s->p[0] == '\\' && s->p[1] == 'x' &&
	    hex_value(s->p[2]) >= 0 && hex_value(s->p[3]) >= 0)
		c = hex_value(s->p[2]) << 4 | hex_value(s->p[3]);
	if (c >= 0)
		(void)span_cut(s, s->p[1] == 'x' ? 4 : 2);
	return c;
}

/* The octets that print_text() made this of. */
static void
unescape(struct text *out, struct span s)
{
	while (s.n) {
		int c = take_escape(&s);
		char octet = c >= 0 ? (char)c : span_cut(&s, 1).p[0];

		text_put(out, &octet, 1);
	}
}

/* "would reject: VALUE" */
static void
feed_rule(struct import *im, const struct reader_rule *rule,
    enum smtp_side side)
{
	static const char would[] = "would ";
	bool dry = span_starts(rule->detail, would);
	struct span detail = span_from(rule->detail, dry ? strlen(would) : 0);
	const char *colon = memmem(detail.p, detail.n, ": ", 2);
	char name[128], severity[16], action[32];
	struct text value = { 0 };

	text_copy(name, sizeof(name), rule->name);
	text_copy(severity, sizeof(severity), rule->severity);
	text_copy(action, sizeof(action), span_cut(&detail,
	    colon ? (size_t)(colon - detail.p) : detail.n));
	unescape(&value, span_from(detail, colon ? 2 : 0));
	tap_rule(&im->tap, side, name, action, severity, text_all(&value),
	    dry);
	text_free(&value);
}

/* The rules that fired on the segment of the tile that was fed last, when the
 * next unit is of another; without a next unit, those that are left. */
static void
feed_rules(struct import *im, struct reader_session *s,
    const struct walk_unit *next)
{
	if (next && next->what == WALK_TILE && next->t_us == im->tile_us)
		return;
	for (size_t i = im->rule; i < s->n_rules; i++) {
		struct reader_rule *rule = &s->rules[i];

		if (!rule->name.p || (next && rule->t_us != im->tile_us))
			continue;
		feed_rule(im, rule, im->tile_side);
		rule->name.p = NULL;	/* done with */
	}
	while (im->rule < s->n_rules && !s->rules[im->rule].name.p)
		im->rule++;
}

/* Who ended it: the side that said so first, else the client. */
static const char *
ended_by(const struct reader_session *s)
{
	if (s->ended_by[0])
		return s->ended_by;
	for (size_t i = 0; i < s->wire.n; i++)
		if (s->wire.segments[i].kind == WIRE_FIN ||
		    s->wire.segments[i].kind == WIRE_RESET)
			return s->wire.segments[i].side == SMTP_CLIENT ?
			    "client" : "server";
	return "client";
}

static bool
feed(struct import *im, struct reader_session *s)
{
	struct tap_origin from = {
		.listener = s->listener, .client = s->client,
		.original_dst = s->original_dst, .upstream = s->upstream,
		.wall_ns = wall_ns(),
	};
	unsigned char uuid[16];
	struct moment start;
	struct walk walk;
	struct walk_unit unit;

	if (s->started_at[0] && moment_parse(s->started_at, 0, &start))
		from.wall_ns = start.from_us * 1000;
	if (given_id(im, s->id, uuid))
		from.uuid = uuid;
	im->now_ns = 0;
	im->tile_us = -1;
	im->rule = 0;
	if (!tap_open(&im->tap, im->port, &from))
		return false;
	walk_open(&walk, &s->wire);
	while (walk_next(&walk, &unit)) {
		feed_rules(im, s, &unit);
		feed_unit(im, &unit);
	}
	feed_rules(im, s, NULL);
	walk_close(&walk);
	if (s->duration_us >= 0)
		im->now_ns = s->duration_us * 1000;
	tap_close(&im->tap, ended_by(s), im->now_ns);
	return true;
}

static int
complain_line(const char *path, const struct reader *r, const char *why)
{
	return complain(EXIT_UNREADABLE, "%s:%u: %s", path, r->line, why);
}

/* Nothing is imported of a file that is wrong somewhere. */
static int
check_text(const char *path, struct span text)
{
	struct reader reader = { .text = text };
	struct reader_session session;
	char error[READER_ERROR_MAX];
	unsigned n = 0;

	for (; reader_next(&reader, &session, error); n++)
		reader_free(&session);
	reader_free(&session);
	if (error[0])
		return complain_line(path, &reader, error);
	if (!n)
		return complain_line(path, &reader, "there is no session in it");
	return EXIT_OK;
}

static int
import_text(struct import *im, struct span text)
{
	struct reader reader = { .text = text };
	struct reader_session session;
	char error[READER_ERROR_MAX], id[UUID_TEXT_MAX];
	int status = EXIT_OK;

	while (status == EXIT_OK && reader_next(&reader, &session, error)) {
		if (feed(im, &session)) {
			uuid_text(im->tap.facts.uuid, id);
			puts(id);
		} else {
			status = complain(EXIT_UNREADABLE, "out of memory");
		}
		reader_free(&session);
	}
	return status;
}

static bool
read_all(FILE *in, struct text *text)
{
	char block[65536];
	size_t n;

	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		text_put(text, block, n);
	if (text->failed)
		errno = ENOMEM;
	return !ferror(in) && !text->failed;
}

/* Only when there is something to import: a mistake leaves no empty file. */
static int
open_recorder(struct import *im)
{
	char error[RECORD_ERROR_MAX];

	if (im->port)
		return EXIT_OK;
	im->recorder = recorder_open(im->db, &recorder_default_limits, error);
	if (!im->recorder)
		return complain(EXIT_UNREADABLE, "%s", error);
	im->port = recorder_port(im->recorder, drained, NULL);
	return im->port ? EXIT_OK :
	    complain(EXIT_UNREADABLE, "out of memory");
}

static int
import_file(struct import *im, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *in = standard ? stdin : fopen(path, "r");
	struct text text = { 0 };
	int status;

	if (!in || !read_all(in, &text))
		status = complain(EXIT_UNREADABLE, "%s cannot be read: %s",
		    path, strerror(errno));
	else
		status = check_text(path, text_all(&text));
	if (status == EXIT_OK)
		status = open_recorder(im);
	if (status == EXIT_OK)
		status = import_text(im, text_all(&text));
	if (in && !standard)
		(void)fclose(in);
	text_free(&text);
	return status;
}

static int
import_all(struct import *im, const struct args *args)
{
	char error[RECORD_ERROR_MAX];
	int status = EXIT_OK;

	for (int i = 0; i < args->nwords && status == EXIT_OK; i++)
		status = import_file(im, args->words[i]);
	if (im->recorder && !recorder_close(im->recorder, error) &&
	    status == EXIT_OK)
		status = complain(EXIT_UNREADABLE, "%s", error);
	return status == EXIT_OK ? print_finish(stdout) : status;
}

static int
run(struct global *g, int argc, char **argv)
{
	struct import im = { .port = NULL };
	struct args args;

	args_init(&args, g, &verb_import, argc, argv);
	if (args_next(&args) != ARGS_END)
		return args.status;
	if (args.nwords == 0)
		return complain_usage(&verb_import, "which file?");
	im.db = g->db;
	if (!im.db)
		return complain(EXIT_USAGE, "no recording is named: say --db "
		    "FILE, or set SMTPTAP_DB");
	return import_all(&im, &args);
}

static const struct option_row options[] = {
	{ 0, NULL, NULL, NULL },
};

const struct verb verb_import = {
	.name = "import",
	.synopsis = "FILE...",
	.help = "read transcripts into a recording",
	.more =
	    "FILE is text as export and show print it, or written by hand; - "
	    "is standard input. The\nrecording is made if it is not there. "
	    "Prints the id of each session: the one the text\nsays, or a new "
	    "one if it says none or the recording has it already. Nothing is "
	    "imported\nof a file with a mistake in it.\n\n"
	    "  smtptap --db cases.db import failing.smtp\n",
	.options = options,
	.run = run,
};
