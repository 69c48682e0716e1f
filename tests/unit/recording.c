#include "tests/unit/recording.h"

#include <check.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/uuid.h"
#include "record/wire.h"

static char folder[256];

void
recording_setup(void)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(folder, sizeof(folder), "%s/smtptap-XXXXXX",
	    tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void
recording_teardown(void)
{
	(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
recording_path(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void
nobody_waits(void *arg)
{
	(void)arg;
}

struct recorder *
recording_open(struct recorder_port **port)
{
	char error[RECORD_ERROR_MAX];
	struct recorder *r = recorder_open(recording_path("sessions.db"),
	    &recorder_default_limits, error);

	ck_assert_msg(r != NULL, "%s", error);
	*port = recorder_port(r, nobody_waits, NULL);
	ck_assert_ptr_nonnull(*port);
	return r;
}

void
recording_close(struct recorder *r)
{
	char error[RECORD_ERROR_MAX];

	ck_assert_msg(recorder_close(r, error), "%s", error);
}

struct recorder_part *
recording_part(struct recorder_port *port, uint64_t id, unsigned n, bool last)
{
	struct recorder_part *p = recorder_part(port);
	struct recorder_session *s = &p->session;

	p->n = n;
	p->last = last;
	p->row = true;
	s->id = id;
	uuid_make(s->uuid, (int64_t)id * 1000000000);
	s->start_us = (int64_t)id * 1000000 + 42;
	s->duration_us = last ? 118000 : -1;
	(void)strcpy(s->listener, "mx");
	(void)strcpy(s->client, "192.0.2.7:51324");
	(void)strcpy(s->upstream, "10.0.0.5:25");
	(void)strcpy(s->helo, "client.example");
	(void)strcpy(s->ended_by, last ? "client" : "");
	s->last_code = 250;
	return p;
}

static struct recorder_message *
message(size_t octets)
{
	struct recorder_message *m = calloc(1, sizeof(*m));

	m->seq = 1;
	m->content = m->accepted = true;
	m->size = octets;
	m->sha256[0] = 0xAB;
	m->code = 250;
	m->enhanced = "2.0.0";
	m->reply = "Ok: queued as 4XyZ";
	m->queue_id = "4XyZ";
	m->mail_from = "a@example.org";
	m->recipients = "[[\"b@example.com\",250,\"2.1.5\",\"Ok\"],"
	    "[\"c@example.com\",550,\"5.1.1\",\"Unknown\"]]";
	m->subject = "gr\xc3\xbc\xc3\x9f";
	return m;
}

uint64_t
recording_session(struct recorder_port *port, size_t octets)
{
	uint64_t id = recorder_next_id(port);
	struct recorder_part *p = recording_part(port, id, 0, true);
	char *content = malloc(octets + 1);
	struct wire_frame f = { .kind = WIRE_BYTES, .t_us = 10 };
	int64_t last_us = 0;

	memset(content, 'a', octets);
	f.bytes = (struct span){ content, octets };
	f.octets = octets;
	wire_put(&p->wire, &f, &last_us);
	f = (struct wire_frame){ WIRE_BYTES, SMTP_SERVER, 20, 8,
	    SPAN("250 Ok\r\n") };
	wire_put(&p->wire, &f, &last_us);
	text_str(&p->exchanges,
	    "[0,\"CONNECT\",null,1,220,null,\"mail ESMTP\",300,\"server\"],"
	    "[10,\".\",null,1,250,\"2.0.0\",\"Ok\\nbye\",10,\"server\"]");
	text_str(&p->events,
	    "[5,\"client\",\"early-talk\",\"warning\",\"6 octets\",null]");
	p->messages = message(octets);
	p->session.messages = p->session.recipients = 1;
	p->session.events = 1;
	p->session.bytes_in = octets;
	p->session.bytes_out = 8;
	free(content);
	recorder_put(port, p);
	return id;
}

const char *
recording_query(const char *sql)
{
	static char answer[4096];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	const unsigned char *text;

	answer[0] = '\0';
	ck_assert_int_eq(sqlite3_open_v2(recording_path("sessions.db"), &db,
	    SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK,
	    "%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		text = sqlite3_column_text(stmt, 0);
		(void)snprintf(answer, sizeof(answer), "%s",
		    text ? (const char *)text : "null");
	}
	ck_assert_msg(sqlite3_finalize(stmt) == SQLITE_OK, "%s: %s", sql,
	    sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	return answer;
}

void
recording_says(const char *sql, const char *expected)
{
	const char *answer = recording_query(sql);

	ck_assert_msg(strcmp(answer, expected) == 0, "%s: %s, not %s", sql,
	    answer, expected);
}
