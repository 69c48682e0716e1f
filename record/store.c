#include "record/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/bulk.h"
#include "record/connection.h"
#include "record/schema.h"
#include "record/statement.h"
#include "record/store_files.h"
#include "record/uuid.h"

#define BUSY_MS	5000	/* for a daemon that is just opening it */
#define LAST	"last"

struct store {
	struct statements sql, bulk;	/* of FILE.db; of FILE.db-bulk, whose db
					 * is NULL until it is needed */
	char *path;
};

/* What is not there or no file, said better than SQLite does. */
static bool
is_readable(const char *path, char error[RECORD_ERROR_MAX])
{
	struct stat st;

	if (stat(path, &st) != 0 || access(path, R_OK) != 0)
		return connection_refused(path, strerror(errno), error);
	if (!S_ISREG(st.st_mode))
		return connection_refused(path, "is not a file", error);
	return true;
}

static bool
open_as(sqlite3 **db, const char *path, const char *parameters,
    char error[RECORD_ERROR_MAX])
{
	if (!connection_open(db, path, parameters, error))
		return false;
	(void)sqlite3_busy_timeout(*db, BUSY_MS);
	/* A recording may come from anyone. */
	(void)sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return connection_set(*db, SQL_READER_SETTINGS, path, error) &&
	    schema_current(*db, path, error);
}

/* Nobody writes it, and there is nothing in it that the file has not. */
static bool
has_no_wal(const char *path)
{
	struct text name = { 0 };
	struct stat st;
	bool none;

	text_printf(&name, "%s-wal", path);
	text_put(&name, "", 1);
	none = !name.failed && (stat(name.p, &st) == 0 ? st.st_size == 0 :
	    errno == ENOENT);
	text_free(&name);
	return none;
}

/* To read a database in WAL mode SQLite makes files beside it. Where it may
 * not, a file that lies there alone can still be read as one that nobody
 * changes. */
static bool
open_db(sqlite3 **db, const char *path, char error[RECORD_ERROR_MAX])
{
	int status;

	if (open_as(db, path, "mode=ro", error))
		return true;
	status = *db ? sqlite3_errcode(*db) : SQLITE_OK;
	(void)sqlite3_close(*db);
	*db = NULL;
	if ((status != SQLITE_CANTOPEN && status != SQLITE_READONLY) ||
	    !has_no_wal(path))
		return false;
	if (open_as(db, path, "mode=ro&immutable=1", error))
		return true;
	(void)sqlite3_close(*db);
	return false;
}

struct store *
store_open(const char *path, char error[RECORD_ERROR_MAX])
{
	struct store *s;
	sqlite3 *db;

	if (!is_readable(path, error) || !open_db(&db, path, error))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s)
		s->path = strdup(path);
	if (s && s->path) {
		s->sql.db = db;
		return s;
	}
	(void)connection_refused(path, "out of memory", error);
	(void)sqlite3_close(db);
	free(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	statements_fini(&s->sql);
	statements_fini(&s->bulk);
	(void)sqlite3_close(s->sql.db);
	(void)sqlite3_close(s->bulk.db);
	free(s->path);
	free(s);
}

sqlite3 *
store_bulk(struct store *s)
{
	char error[RECORD_ERROR_MAX];

	if (!s->bulk.db)
		s->bulk.db = bulk_open_reader(s->path, error);
	return s->bulk.db;
}

static uint64_t
octets_of(struct statements *file)
{
	int64_t octets = 0;

	if (!file->db || !statement_int(file, SQL_FILE_OCTETS, &octets))
		return 0;
	return octets > 0 ? (uint64_t)octets : 0;
}

uint64_t
store_octets(struct store *s)
{
	return octets_of(&s->sql) + octets_of(&s->bulk);
}

sqlite3_stmt *
store_query(struct store *s, enum sql_name name)
{
	return statement(&s->sql, name);
}

/* "last" and "last~2". */
static bool
is_last(const char *which, int64_t *back)
{
	size_t n = strlen(LAST);
	char *end;

	*back = 0;
	if (strncmp(which, LAST, n) != 0)
		return false;
	if (which[n] == '\0')
		return true;
	if (which[n] != '~' || which[n + 1] < '0' || which[n + 1] > '9')
		return false;
	/* Too large a number is the largest: there is no such session. */
	*back = strtoll(which + n + 1, &end, 10);
	return *end == '\0';
}

static bool
bind_prefix(struct bind *b, const char *which, char low[UUID_TEXT_MAX],
    char high[UUID_TEXT_MAX])
{
	unsigned char from[16], to[16];

	if (!uuid_range(which, from, to))
		return false;
	uuid_text(from, low);
	uuid_text(to, high);
	bind_str(b, low);
	bind_str(b, high);
	return true;
}

/* The only row of a query for session ids; 0: none or several. */
static int64_t
only_session(struct store *s, const struct bind *b, const char *which,
    char error[RECORD_ERROR_MAX])
{
	int64_t id = 0;
	int rows = 0, status = b->status;

	if (status == SQLITE_OK) {
		while ((status = sqlite3_step(b->stmt)) == SQLITE_ROW) {
			id = sqlite3_column_int64(b->stmt, 0);
			rows++;
		}
		status = sqlite3_reset(b->stmt);
	}
	if (status != SQLITE_OK)
		(void)connection_failed(s->sql.db, s->path, error);
	else if (rows == 0)
		(void)snprintf(error, RECORD_ERROR_MAX,
		    "no session %.64s in %.256s", which, s->path);
	else if (rows > 1)
		(void)snprintf(error, RECORD_ERROR_MAX, "%.64s is the "
		    "beginning of more than one session id", which);
	else if (id > 0)
		return id;
	else
		(void)connection_refused(s->path, "is damaged: a session has "
		    "an impossible id", error);
	return 0;
}

int64_t
store_find(struct store *s, const char *which, char error[RECORD_ERROR_MAX])
{
	char low[UUID_TEXT_MAX], high[UUID_TEXT_MAX];
	struct bind b;
	int64_t back;

	if (is_last(which, &back)) {
		b = bind_start(&s->sql, SQL_SESSION_NTH_LAST);
		bind_int(&b, back);
		return only_session(s, &b, which, error);
	}
	b = bind_start(&s->sql, SQL_SESSION_BETWEEN);
	if (bind_prefix(&b, which, low, high))
		return only_session(s, &b, which, error);
	(void)snprintf(error, RECORD_ERROR_MAX,
	    "%.64s is no session id: last, last~2, or the beginning of one",
	    which);
	return 0;
}
