/* rows: the public views as the companion reads them. */
#ifndef REPLAY_ROWS_H
#define REPLAY_ROWS_H

#include <jansson.h>

#include "record/store.h"

/* The columns of the view session, and of event, in their order. */
enum session_column {
	SESSION_ID, SESSION_NODE, SESSION_LISTENER, SESSION_STARTED_AT,
	SESSION_DURATION_US, SESSION_CLIENT, SESSION_ORIGINAL_DST,
	SESSION_UPSTREAM, SESSION_HELO, SESSION_AUTH_USER, SESSION_TLS_CLIENT,
	SESSION_TLS_SERVER, SESSION_SNI, SESSION_MESSAGES, SESSION_RECIPIENTS,
	SESSION_BYTES_IN, SESSION_BYTES_OUT, SESSION_LAST_CODE,
	SESSION_EVENTS, SESSION_REWRITTEN, SESSION_LEVEL, SESSION_ENDED_BY,
	SESSION_COLUMNS
};

enum event_column {
	EVENT_SESSION_ID, EVENT_SEQ, EVENT_T_US, EVENT_SIDE, EVENT_NAME,
	EVENT_SEVERITY, EVENT_DETAIL, EVENT_RULE
};

/* A query with :session bound; ended by sqlite3_reset(). Ends the program if
 * the database is damaged. */
sqlite3_stmt *rows_of(struct store *, enum sql_name, int64_t session);

/* The next row. Ends the program if the database cannot be read. */
bool rows_next(sqlite3_stmt *);

/* Bytes as a JSON string; what is not UTF-8 is escaped as in a transcript.
 * New; never NULL: out of memory ends the program. */
json_t *rows_string(struct span);

/* A row as an object, its columns but those whose names begin with _; the
 * column of that name, if not NULL, holds JSON. New, never NULL. */
json_t *rows_object(sqlite3_stmt *, const char *json_column);

/* All rows of a query, each an object. New, never NULL. */
json_t *rows_array(struct store *, enum sql_name, int64_t session);

/* Print as JSON on one line; takes the reference. */
void rows_print(json_t *);

#endif
