/* statement: the named statements of sql/, prepared once and kept.
 *
 * Parameters are bound in the order in which the statement names them: the
 * comment at its head in sql/ says which. One thread, that of the connection. */
#ifndef RECORD_STATEMENT_H
#define RECORD_STATEMENT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "inspect/span.h"
#include "sql.h"

struct statements {
	sqlite3 *db;
	sqlite3_stmt *prepared[SQL_NAMES];
};

/* To be called before sqlite3_close(). */
void statements_fini(struct statements *);

/* Reset and without parameters; NULL: sqlite3_errmsg() says why. */
sqlite3_stmt *statement(struct statements *, enum sql_name);

/* Binds one parameter after the other. What is bound is borrowed until the
 * statement is reset. A failure shows in bind_step(). */
struct bind {
	sqlite3_stmt *stmt;
	int at;
	int status;
};

struct bind bind_start(struct statements *, enum sql_name);
void bind_int(struct bind *, int64_t);
void bind_int_or_null(struct bind *, bool known, int64_t);
void bind_bytes(struct bind *, const void *, size_t n);		/* a blob */
void bind_text(struct bind *, struct span);
void bind_str(struct bind *, const char *);	/* NULL and "": null */

/* Run a statement that returns no row, and reset it. */
bool bind_run(struct bind *);

/* Run a statement of sql/ that returns one integer; false on failure. */
bool statement_int(struct statements *, enum sql_name, int64_t *);

/* The reason the last call on db failed, as a phrase; the system's reason
 * included. NUL-terminated, cut at room. */
void statement_error(sqlite3 *, char *out, size_t room);

#endif
