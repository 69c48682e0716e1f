#include "replay/recording.h"

#include "replay/print.h"
#include "replay/rows.h"

static void
read_id(struct store *store, int64_t session, char id[RECORDING_ID_MAX])
{
	sqlite3_stmt *row = rows_of(store, SQL_SESSION_ROW, session);
	struct span text = { "", 0 };

	if (rows_next(row))
		text = column_span(row, SESSION_ID);
	(void)snprintf(id, RECORDING_ID_MAX, "%.*s", (int)text.n, text.p);
	(void)sqlite3_reset(row);
}

static int
load(struct store *store, const char *which, struct script *script,
    char id[RECORDING_ID_MAX])
{
	char error[RECORD_ERROR_MAX];
	struct store_wire wire;
	int64_t session = find_session(store, which);
	int status = EXIT_OK;

	if (session == 0)
		return EXIT_NO_SESSION;
	read_id(store, session, id);
	if (!store_wire(store, session, &wire, error))
		status = complain(EXIT_UNREADABLE, "%s", error);
	else if (!script_read(script, &wire, error)) {
		status = complain(EXIT_USAGE, "%s", error);
		script_free(script);
	}
	store_wire_free(&wire);
	return status;
}

int
recording_load(const struct global *global, const char *which,
    struct script *script, char id[RECORDING_ID_MAX])
{
	struct store *store;
	int status;

	if (!open_named(global, &store, &status))
		return status;
	status = load(store, which, script, id);
	store_close(store);
	return status;
}
