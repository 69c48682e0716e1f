/* check: whether a recording is what it says it is. */
#include <inttypes.h>
#include <stdlib.h>

#include "replay/mail.h"
#include "replay/print.h"
#include "replay/rows.h"
#include "replay/verbs.h"

struct check {
	struct store *store;
	const char *session;	/* under way */
	uint64_t sessions, messages, faults;
};

static void fault(struct check *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
fault(struct check *c, const char *format, ...)
{
	va_list args;

	if (c->session)
		printf("session %s: ", c->session);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	putchar('\n');
	c->faults++;
}

static void
check_file(struct check *c)
{
	sqlite3_stmt *row = rows_of(c->store, SQL_CHECK_INTEGRITY, 0);

	while (rows_next(row))
		if (!span_is(column_span(row, 0), "ok")) {
			fputs("integrity: ", stdout);
			(void)print_text(stdout, column_span(row, 0));
			putchar('\n');
			c->faults++;
		}
	sqlite3_reset(row);
	row = rows_of(c->store, SQL_CHECK_VERSION, 0);
	if (rows_next(row) && sqlite3_column_int(row, 0) > SQL_VERSION)
		fault(c, "user_version is %d, newer than %d",
		    sqlite3_column_int(row, 0), SQL_VERSION);
	sqlite3_reset(row);
}

/* The sum of the octets of units is that of the wire: nothing was lost and
 * nothing was made up. */
static void
check_tiling(struct check *c, const struct store_wire *wire, struct mail *mail)
{
	uint64_t kept = 0, tiled = 0;
	struct walk walk;
	struct walk_unit unit;

	for (size_t i = 0; i < wire->n; i++)
		if (wire_is_stream(wire->segments[i].kind))
			kept += wire->segments[i].bytes.n;
	walk_open(&walk, wire);
	while (walk_next(&walk, &unit)) {
		if (unit.what == WALK_TILE)
			tiled += unit.octets;
		mail_add(mail, &unit);
	}
	walk_close(&walk);
	if (tiled != kept)
		fault(c, "its wire has %" PRIu64 " octets, its tiles %" PRIu64,
		    kept, tiled);
}

/* The elements of a list of JSON arrays of scalars: [..],[..] */
static int64_t
count_exchanges(const struct text *list)
{
	struct text array = { 0 };
	json_t *value;
	int64_t n;

	text_str(&array, "[");
	text_span(&array, text_all(list));
	text_str(&array, "]");
	value = json_loadb(array.p, array.n, 0, NULL);
	n = value ? (int64_t)json_array_size(value) : -1;
	json_decref(value);
	text_free(&array);
	return n;
}

static void
check_exchanges(struct check *c, int64_t session, const struct mail *mail)
{
	sqlite3_stmt *row = rows_of(c->store, SQL_CHECK_EXCHANGES, session);
	int64_t n = count_exchanges(&mail->exchanges);

	if (rows_next(row) && sqlite3_column_int64(row, 0) != n)
		fault(c, "has %lld exchanges, its wire %" PRId64,
		    sqlite3_column_int64(row, 0), n);
	sqlite3_reset(row);
}

static void
check_message(struct check *c, sqlite3_stmt *row,
    const struct recorder_message *m)
{
	char sha256[65] = "";
	bool content = sqlite3_column_type(row, 1) != SQLITE_NULL;
	struct span kept = column_span(row, 2);

	for (size_t i = 0; i < 32; i++)
		(void)snprintf(sha256 + 2 * i, 3, "%02x", m->sha256[i]);
	if (content != m->content)
		fault(c, "message %u: content in the %s only", m->seq,
		    content ? "table" : "wire");
	else if (content && (sqlite3_column_int64(row, 1) < 0 ||
	    (uint64_t)sqlite3_column_int64(row, 1) != m->size))
		fault(c, "message %u: size is %lld, on the wire %" PRIu64,
		    m->seq, sqlite3_column_int64(row, 1), m->size);
	else if (content && !span_is(kept, sha256))
		fault(c, "message %u: sha256 on the wire is %s", m->seq,
		    sha256);
	if (sqlite3_column_int(row, 3) != m->accepted)
		fault(c, "message %u: on the wire it was %s", m->seq,
		    m->accepted ? "accepted" : "not accepted");
}

/* Both lists in order of their numbers. */
static void
check_messages(struct check *c, int64_t session, const struct mail *mail)
{
	sqlite3_stmt *row = rows_of(c->store, SQL_CHECK_MESSAGES, session);
	const struct recorder_message *m = mail->messages;

	for (; rows_next(row); c->messages++) {
		int64_t seq = sqlite3_column_int64(row, 0);

		while (m && m->seq < seq) {
			fault(c, "message %u is missing", m->seq);
			m = m->next;
		}
		if (m && m->seq == seq) {
			check_message(c, row, m);
			m = m->next;
		} else {
			fault(c, "message %" PRId64 " is not on the wire", seq);
		}
	}
	for (; m; m = m->next)
		fault(c, "message %u is missing", m->seq);
	sqlite3_reset(row);
}

/* Of an open session the last part is still on its way, of one with a gap the
 * wire tells less than the tables: then only the frames are checked. */
static void
check_session(struct check *c, int64_t session, bool whole)
{
	char error[RECORD_ERROR_MAX];
	struct store_wire wire;
	struct mail mail;

	mail_open(&mail, false);
	if (!store_wire(c->store, session, &wire, error))
		fault(c, "%s", error);
	else {
		check_tiling(c, &wire, &mail);
		mail_end(&mail);
		if (whole && !mail.gap) {
			check_exchanges(c, session, &mail);
			check_messages(c, session, &mail);
		}
	}
	store_wire_free(&wire);
	mail_close(&mail);
}

static void
check_sessions(struct check *c)
{
	sqlite3_stmt *row = rows_of(c->store, SQL_CHECK_SESSIONS, 0);

	for (; rows_next(row); c->sessions++) {
		char uuid[40];
		struct span text = column_span(row, 1);

		(void)snprintf(uuid, sizeof(uuid), "%.*s", (int)text.n, text.p);
		c->session = uuid;
		check_session(c, sqlite3_column_int64(row, 0),
		    sqlite3_column_int(row, 2) == 0 &&
		    sqlite3_column_int(row, 3) == 1);
		c->session = NULL;
	}
	sqlite3_reset(row);
}

static int
run(struct global *g, int argc, char **argv)
{
	struct check c = { .session = NULL };
	struct args args;
	int status;

	args_init(&args, g, &verb_check, argc, argv);
	if (args_next(&args) != ARGS_END)
		return args.status;
	if (args.nwords)
		return complain_usage(&verb_check, "it takes no arguments");
	if (!open_named(g, &c.store, &status))
		return status;
	check_file(&c);
	check_sessions(&c);
	store_close(c.store);
	if (!g->quiet || c.faults)
		printf("%" PRIu64 " sessions, %" PRIu64 " messages: ",
		    c.sessions, c.messages);
	if (c.faults)
		printf("%" PRIu64 " faults\n", c.faults);
	else if (!g->quiet)
		puts("ok");
	status = print_finish(stdout);
	return c.faults ? EXIT_UNREADABLE : status;
}

static const struct option_row options[] = {
	{ 0, NULL, NULL, NULL },
};

const struct verb verb_check = {
	.name = "check",
	.synopsis = "",
	.help = "see whether a recording is whole",
	.more =
	    "Checks the file, reads every session's wire again, and compares "
	    "what it says with the\ntables: exchanges, messages, sizes, "
	    "digests. Exits with 45 if anything is wrong.\n\n"
	    "  smtptap --db mail.db check\n",
	.options = options,
	.run = run,
};
