#include "replay/document.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "replay/print.h"
#include "replay/rows.h"
#include "replay/tls_rows.h"
#include "replay/walk.h"

/* Bytes: as text if they are UTF-8 without NUL, else as base64. */
static void
set_bytes(json_t *object, struct span bytes)
{
	bool nul = bytes.n && memchr(bytes.p, '\0', bytes.n);
	json_t *text = nul ? NULL : json_stringn(bytes.n ? bytes.p : "",
	    bytes.n);
	unsigned char *base64;

	if (text) {
		(void)json_object_set_new(object, "text", text);
		return;
	}
	base64 = malloc(bytes.n / 3 * 4 + 5);
	if (!base64 || bytes.n > INT32_MAX)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	(void)EVP_EncodeBlock(base64, (const unsigned char *)bytes.p,
	    (int)bytes.n);
	(void)json_object_set_new(object, "base64",
	    json_string((const char *)base64));
	free(base64);
}

static const char *
name_of(const struct walk_unit *u)
{
	switch (u->what) {
	case WALK_HEARD:
		break;
	case WALK_TILE:
		return smtp_tile_name(u->ev.tile);
	case WALK_OWN:
		return "own";
	case WALK_GAP:
		return "gap";
	case WALK_SECURED:
		return "tls";
	case WALK_FIN:
		return "fin";
	case WALK_RESET:
		return "reset";
	}
	return "";
}

static json_t *
wire_unit(const struct walk_unit *u)
{
	json_t *object = json_pack("{s:I,s:s,s:s,s:b}",
	    "t_us", (json_int_t)u->from_us,
	    "side", u->side == SMTP_CLIENT ? "client" : "server",
	    "tile", name_of(u), "sent", u->what != WALK_GAP &&
	    u->fate == TAP_FORWARDED);
	json_t *instead;

	if (!object)
		exit(complain(EXIT_UNREADABLE, "out of memory"));
	if (u->what == WALK_GAP)
		(void)json_object_set_new(object, "octets",
		    json_integer((json_int_t)u->octets));
	else if (u->what == WALK_TILE || u->what == WALK_OWN ||
	    u->what == WALK_SECURED)
		set_bytes(object, u->ev.raw);
	if (u->fate == TAP_EDITED) {
		instead = json_object();
		set_bytes(instead, u->sent);
		(void)json_object_set_new(object, "instead", instead);
	}
	return object;
}

static json_t *
wire_array(const struct store_wire *wire)
{
	json_t *array = json_array();
	struct walk walk;
	struct walk_unit unit;

	walk_open(&walk, wire);
	while (walk_next(&walk, &unit))
		if (unit.what != WALK_HEARD)
			(void)json_array_append_new(array,
			    wire_unit(&unit));
	walk_close(&walk);
	return array;
}

static json_t *
recipients(struct store *store, int64_t session, int64_t message)
{
	json_t *array = json_array();
	sqlite3_stmt *row = rows_of(store, SQL_SESSION_RECIPIENTS, session);

	(void)sqlite3_bind_int64(row,
	    sqlite3_bind_parameter_index(row, ":message"), message);
	while (rows_next(row))
		(void)json_array_append_new(array, rows_object(row, NULL));
	sqlite3_reset(row);
	return array;
}

/* Each with its recipients as objects, not as the addresses of the view. */
static json_t *
messages(struct store *store, int64_t session)
{
	json_t *array = rows_array(store, SQL_SESSION_MESSAGES, session);
	json_t *message;
	size_t i;

	json_array_foreach(array, i, message) {
		json_int_t seq = json_integer_value(
		    json_object_get(message, "seq"));

		(void)json_object_set_new(message, "recipients",
		    recipients(store, session, seq));
	}
	return array;
}

json_t *
document(struct store *store, int64_t session, char error[RECORD_ERROR_MAX])
{
	json_t *object = NULL;
	struct store_wire wire;
	sqlite3_stmt *row;

	if (store_wire(store, session, &wire, error)) {
		row = rows_of(store, SQL_SESSION_ROW, session);
		object = rows_next(row) ? rows_object(row, NULL) :
		    json_object();
		sqlite3_reset(row);
		(void)json_object_set_new(object, "exchanges",
		    rows_array(store, SQL_SESSION_EXCHANGES, session));
		(void)json_object_del(object, "messages");
		(void)json_object_set_new(object, "messages",
		    messages(store, session));
		(void)json_object_del(object, "events");
		(void)json_object_set_new(object, "events",
		    rows_array(store, SQL_SESSION_EVENTS, session));
		(void)json_object_set_new(object, "tls",
		    tls_rows_array(store, session));
		(void)json_object_set_new(object, "wire", wire_array(&wire));
	}
	store_wire_free(&wire);
	return object;
}
