#include "replay/recording.h"

#include "replay/print.h"

static int
load(struct store *store, const char *which, struct script *script)
{
	char error[RECORD_ERROR_MAX];
	struct store_wire wire;
	int64_t id = find_session(store, which);
	int status = EXIT_OK;

	if (id == 0)
		return EXIT_NO_SESSION;
	if (!store_wire(store, id, &wire, error))
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
    struct script *script)
{
	struct store *store;
	int status;

	if (!open_named(global, &store, &status))
		return status;
	status = load(store, which, script);
	store_close(store);
	return status;
}
