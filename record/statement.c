#include "record/statement.h"

#include <stdio.h>

void
statements_fini(struct statements *s)
{
	for (int i = 0; i < SQL_NAMES; i++) {
		sqlite3_finalize(s->prepared[i]);
		s->prepared[i] = NULL;
	}
}

sqlite3_stmt *
statement(struct statements *s, enum sql_name name)
{
	sqlite3_stmt **stmt = &s->prepared[name];

	if (*stmt) {
		/* Returns the error of the last run, which was seen then. */
		(void)sqlite3_reset(*stmt);
		(void)sqlite3_clear_bindings(*stmt);
		return *stmt;
	}
	if (sqlite3_prepare_v3(s->db, sql_statements[name].text, -1,
	    SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK)
		*stmt = NULL;
	return *stmt;
}

struct bind
bind_start(struct statements *s, enum sql_name name)
{
	struct bind b = { .stmt = statement(s, name) };

	b.status = b.stmt ? SQLITE_OK : sqlite3_errcode(s->db);
	return b;
}

static void
note(struct bind *b, int status)
{
	if (b->status == SQLITE_OK)
		b->status = status;
}

void
bind_int(struct bind *b, int64_t value)
{
	note(b, sqlite3_bind_int64(b->stmt, ++b->at, value));
}

void
bind_int_or_null(struct bind *b, bool known, int64_t value)
{
	/* A parameter not bound is null. */
	if (known)
		bind_int(b, value);
	else
		b->at++;
}

void
bind_bytes(struct bind *b, const void *bytes, size_t n)
{
	note(b, sqlite3_bind_blob64(b->stmt, ++b->at, bytes, n,
	    SQLITE_STATIC));
}

void
bind_text(struct bind *b, struct span s)
{
	note(b, sqlite3_bind_text64(b->stmt, ++b->at, s.p, s.n,
	    SQLITE_STATIC, SQLITE_UTF8));
}

void
bind_str(struct bind *b, const char *s)
{
	if (s && *s)
		bind_text(b, span_of(s));
	else
		b->at++;
}

bool
bind_run(struct bind *b)
{
	if (b->status != SQLITE_OK)
		return false;
	(void)sqlite3_step(b->stmt);
	/* Reset gives the error of the run, and lets go of what is bound. */
	return sqlite3_reset(b->stmt) == SQLITE_OK;
}

bool
statement_int(struct statements *s, enum sql_name name, int64_t *value)
{
	sqlite3_stmt *stmt = statement(s, name);

	if (!stmt || sqlite3_step(stmt) != SQLITE_ROW)
		return false;
	*value = sqlite3_column_int64(stmt, 0);
	return sqlite3_reset(stmt) == SQLITE_OK;
}

void
statement_error(sqlite3 *db, char *out, size_t room)
{
	int code = sqlite3_errcode(db), system = sqlite3_system_errno(db);

	if (system && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN))
		(void)snprintf(out, room, "%s (%s)", sqlite3_errmsg(db),
		    strerror(system));
	else
		(void)snprintf(out, room, "%s", sqlite3_errmsg(db));
}
