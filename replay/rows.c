#include "replay/rows.h"

#include <stdlib.h>
#include <unistd.h>

#include "replay/print.h"

sqlite3_stmt *
rows_of(struct store *store, enum sql_name name, int64_t session)
{
	sqlite3_stmt *query = store_query(store, name);

	if (!query)
		exit(complain(EXIT_UNREADABLE, "the recording is damaged"));
	(void)sqlite3_bind_int64(query,
	    sqlite3_bind_parameter_index(query, ":session"), session);
	return query;
}

bool
rows_next(sqlite3_stmt *query)
{
	switch (sqlite3_step(query)) {
	case SQLITE_ROW:
		return true;
	case SQLITE_DONE:
		return false;
	default:
		exit(complain(EXIT_UNREADABLE,
		    "the recording cannot be read: %s",
		    sqlite3_errmsg(sqlite3_db_handle(query))));
	}
}

static json_t *
need(json_t *value)
{
	if (!value)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	return value;
}

json_t *
rows_string(struct span s)
{
	json_t *value = json_stringn(s.p, s.n);
	struct text escaped = { 0 };
	char piece[256];

	if (value)
		return value;
	while (s.n)
		text_put(&escaped, piece, transcript_escape(&s, false, piece,
		    sizeof(piece)));
	value = need(json_stringn(escaped.p, escaped.n));
	text_free(&escaped);
	return value;
}

static json_t *
column(sqlite3_stmt *row, int i, bool json)
{
	struct span s;
	json_t *value;

	switch (sqlite3_column_type(row, i)) {
	case SQLITE_NULL:
		return json_null();
	case SQLITE_INTEGER:
		return need(json_integer(sqlite3_column_int64(row, i)));
	default:
		s = column_span(row, i);
		value = json ? json_loadb(s.p, s.n, 0, NULL) : NULL;
		return value ? value : rows_string(s);
	}
}

json_t *
rows_object(sqlite3_stmt *row, const char *json_column)
{
	json_t *object = need(json_object());

	for (int i = 0; i < sqlite3_column_count(row); i++) {
		const char *name = sqlite3_column_name(row, i);

		if (name[0] != '_')
			(void)json_object_set_new(object, name, column(row, i,
			    json_column && strcmp(name, json_column) == 0));
	}
	return object;
}

json_t *
rows_array(struct store *store, enum sql_name name, int64_t session)
{
	json_t *array = need(json_array());
	sqlite3_stmt *query = rows_of(store, name, session);

	while (rows_next(query))
		(void)json_array_append_new(array, rows_object(query, NULL));
	sqlite3_reset(query);
	return array;
}

void
rows_print(json_t *value)
{
	/* a terminal must not meet control characters of Unicode */
	size_t flags = JSON_COMPACT | (isatty(STDOUT_FILENO) ?
	    JSON_ENSURE_ASCII : 0u);

	(void)json_dumpf(value, stdout, flags);
	putchar('\n');
	json_decref(value);
}
