#include "replay/tls_rows.h"

#include "record/tls_text.h"
#include "replay/print.h"
#include "replay/rows.h"

/* The columns of the view tls, in their order. */
enum {
	SESSION, SIDE, T_US, OPAQUE, VERSION, CIPHER, GROUP, SNI, ALPN, VERIFIED,
	RESUMED, HANDSHAKE_US, CHAIN, OFFERED, OCTETS
};

static json_t *
link_of(struct store *store, const char *sha256)
{
	sqlite3_stmt *row = rows_of(store, SQL_CERTIFICATE_PEM, 0);
	json_t *one = json_object();

	(void)sqlite3_bind_text(row, sqlite3_bind_parameter_index(row,
	    ":sha256"), sha256, -1, SQLITE_TRANSIENT);
	(void)json_object_set_new(one, "sha256", json_string(sha256));
	(void)json_object_set_new(one, "pem", rows_next(row) ?
	    rows_string(column_span(row, 0)) : json_null());
	(void)sqlite3_reset(row);
	return one;
}

/* Fingerprints become certificates. */
static void
show_chain(struct store *store, json_t *row)
{
	json_t *chain = json_object_get(row, "chain"), *list, *one;
	size_t i;

	if (!json_is_array(chain))
		return;
	list = json_array();
	json_array_foreach(chain, i, one)
		if (json_is_string(one))
			(void)json_array_append_new(list, link_of(store,
			    json_string_value(one)));
	(void)json_object_set_new(row, "chain", list);
}

json_t *
tls_rows_array(struct store *store, int64_t session)
{
	sqlite3_stmt *query = rows_of(store, SQL_SESSION_TLS, session);
	json_t *array = json_array();
	json_t *row;
	size_t i;

	while (rows_next(query))
		(void)json_array_append_new(array,
		    rows_object(query, "chain"));
	(void)sqlite3_reset(query);
	json_array_foreach(array, i, row)
		show_chain(store, row);
	return array;
}

static void
copy(char *to, size_t room, sqlite3_stmt *row, int i)
{
	struct span s = column_span(row, i);

	if (s.n)
		text_copy(to, room, s);
}

/* Of both rows together: the client's has what was offered, the server's what
 * was chosen. */
static void
add_row(struct recorder_tls *tls, sqlite3_stmt *row)
{
	copy(tls->version, sizeof(tls->version), row, VERSION);
	copy(tls->cipher, sizeof(tls->cipher), row, CIPHER);
	copy(tls->group, sizeof(tls->group), row, GROUP);
	copy(tls->sni, sizeof(tls->sni), row, SNI);
	copy(tls->alpn, sizeof(tls->alpn), row, ALPN);
	copy(tls->offered, sizeof(tls->offered), row, OFFERED);
	tls->resumed |= sqlite3_column_int(row, RESUMED) != 0;
}

void
tls_rows_opaque(struct text *t, struct store *store, int64_t session)
{
	sqlite3_stmt *query = rows_of(store, SQL_SESSION_TLS, session);
	struct recorder_tls tls = { .handshake_us = -1 };
	bool any = false;

	while (rows_next(query)) {
		if (!sqlite3_column_int(query, OPAQUE))
			continue;
		any = true;
		add_row(&tls, query);
	}
	(void)sqlite3_reset(query);
	if (any)
		tls_text(t, &tls);
	if (tls.offered[0])
		text_printf(t, ", offered %s", tls.offered);
}
