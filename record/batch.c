#include "record/batch.h"

#include <stdio.h>
#include <unistd.h>

#include "record/batch_tls.h"
#include "record/connection.h"
#include "record/uuid.h"
#include "record/wire.h"

#define N_MAX		((1u << BATCH_PART_BITS) - 1)

enum state { OPEN, COMPLETE };	/* session_row.state; 2 is set by a restart */

static int64_t
row_id(const struct recorder_part *p, unsigned n)
{
	return (int64_t)(p->session.id << BATCH_PART_BITS | n);
}

/* Memory ran out for some of it, or the session has had more parts than there
 * are ids. */
static bool
has_gap(const struct recorder_part *p)
{
	return p->session.gap || p->n > N_MAX || p->wire.failed ||
	    p->exchanges.failed || p->events.failed;
}

static bool
put_session(struct batch *b, const struct recorder_part *p)
{
	const struct recorder_session *s = &p->session;
	struct bind v = bind_start(&b->sql, SQL_SESSION_PUT);
	char uuid[UUID_TEXT_MAX];

	uuid_text(s->uuid, uuid);
	bind_int(&v, (int64_t)s->id);
	bind_str(&v, uuid);
	bind_int(&v, b->node);
	bind_int(&v, p->last ? COMPLETE : OPEN);
	bind_int(&v, has_gap(p));
	bind_int(&v, s->start_us);
	bind_int_or_null(&v, s->duration_us >= 0, s->duration_us);
	bind_str(&v, s->listener);
	bind_str(&v, s->client);
	bind_str(&v, s->original_dst);
	bind_str(&v, s->upstream);
	bind_str(&v, s->helo);
	bind_str(&v, s->auth_user);
	bind_str(&v, s->tls_client);
	bind_str(&v, s->tls_server);
	bind_str(&v, s->sni);
	bind_int(&v, s->messages);
	bind_int(&v, s->recipients);
	bind_int(&v, (int64_t)s->bytes_in);
	bind_int(&v, (int64_t)s->bytes_out);
	bind_int_or_null(&v, s->last_code != 0, s->last_code);
	bind_int(&v, s->events);
	bind_int(&v, s->rewritten);
	bind_str(&v, s->ended_by);
	return bind_run(&v);
}

/* A full pack goes into the bulk file, and here stands that it does. */
static bool
put_pack(struct batch *b)
{
	struct bind v = bind_start(&b->sql, SQL_PACK_PUT);
	bool bulk = b->pack.n == BATCH_PACK_MAX && !b->one_file;

	if (bulk && !bulk_put(&b->bulk, b->next_pack, text_all(&b->pack)))
		return false;
	bind_int(&v, b->next_pack);
	bind_bytes(&v, b->pack.p, bulk ? 0 : b->pack.n);
	text_clear(&b->pack);
	b->next_pack++;
	return bind_run(&v);
}

/* Copy a wire log into the pack under way, and on into new ones. Where it lies
 * is then in b->extents. */
static bool
put_wire(struct batch *b, struct span wire)
{
	text_clear(&b->extents);
	while (wire.n) {
		size_t room = BATCH_PACK_MAX - b->pack.n;
		struct span piece = span_cut(&wire, wire.n < room ? wire.n : room);

		wire_varint(&b->extents, (uint64_t)b->next_pack);
		wire_varint(&b->extents, b->pack.n);
		wire_varint(&b->extents, piece.n);
		text_span(&b->pack, piece);
		if (b->pack.n == BATCH_PACK_MAX && !put_pack(b))
			return false;
	}
	return !b->extents.failed && !b->pack.failed;
}

/* The elements as an array. None, or a list that memory ran out for (which is
 * no JSON): null. */
static struct span
array(struct text *t, const struct text *elements)
{
	if (elements->n == 0 || elements->failed)
		return (struct span){ 0 };
	text_clear(t);
	text_put(t, "[", 1);
	text_span(t, text_all(elements));
	text_put(t, "]", 1);
	return t->failed ? (struct span){ 0 } : text_all(t);
}

static bool
put_part(struct batch *b, const struct recorder_part *p)
{
	struct bind v;

	if (p->wire.n + p->exchanges.n + p->events.n == 0)
		return true;
	if (!put_wire(b, text_all(&p->wire)))
		return false;
	v = bind_start(&b->sql, SQL_PART_PUT);
	bind_int(&v, row_id(p, p->n));
	bind_int(&v, p->exchanges_before);
	bind_int(&v, p->events_before);
	bind_text(&v, array(&b->exchanges, &p->exchanges));
	bind_text(&v, array(&b->events, &p->events));
	bind_bytes(&v, b->extents.p, b->extents.n);
	return bind_run(&v);
}

static bool
put_message(struct batch *b, const struct recorder_part *p,
    const struct recorder_message *m)
{
	struct bind v = bind_start(&b->sql, SQL_MESSAGE_PUT);

	bind_int(&v, row_id(p, m->seq));
	/* The null reverse-path is a path, not an unknown one (RFC 5321 4.5.5). */
	if (m->mail_from)
		bind_text(&v, span_of(m->mail_from));
	else
		bind_str(&v, NULL);
	bind_str(&v, m->recipients);
	bind_int_or_null(&v, m->content, (int64_t)m->size);
	bind_bytes(&v, m->content ? m->sha256 : NULL, sizeof(m->sha256));
	bind_str(&v, m->subject);
	bind_str(&v, m->header_from);
	bind_str(&v, m->header_to);
	bind_str(&v, m->message_id);
	bind_str(&v, m->date);
	bind_int_or_null(&v, m->code != 0, m->code);
	bind_str(&v, m->enhanced);
	bind_str(&v, m->reply);
	bind_str(&v, m->queue_id);
	bind_int(&v, m->accepted);
	return bind_run(&v);
}

static bool
put_all(struct batch *b, const struct recorder_part *p)
{
	for (; p; p = p->next) {
		if (p->row && !put_session(b, p))
			return false;
		if (p->n <= N_MAX && !put_part(b, p))
			return false;
		for (const struct recorder_tls *t = p->tls; t; t = t->next)
			if (!batch_tls(&b->sql, row_id(p, t->side), t))
				return false;
		for (const struct recorder_message *m = p->messages; m;
		    m = m->next)
			if (m->seq <= N_MAX && !put_message(b, p, m))
				return false;
	}
	return b->pack.n == 0 || put_pack(b);
}

static bool
run(struct batch *b, enum sql_name name)
{
	struct bind v = bind_start(&b->sql, name);

	return bind_run(&v);
}

static bool
put_gap(struct batch *b, const struct batch_gap *gap)
{
	struct bind v;

	if (gap->sessions == 0)
		return true;
	v = bind_start(&b->sql, SQL_GAP_PUT);
	bind_int(&v, b->node);
	bind_int(&v, gap->start_us);
	bind_int(&v, gap->end_us);
	bind_int(&v, (int64_t)gap->sessions);
	return bind_run(&v);
}

static bool
try_write(struct batch *b, const struct recorder_part *parts,
    const struct batch_gap *gap)
{
	text_clear(&b->pack);
	return run(b, SQL_BEGIN) && put_all(b, parts) && put_gap(b, gap) &&
	    bulk_commit(&b->bulk) && run(b, SQL_COMMIT);
}

bool
batch_write(struct batch *b, const struct recorder_part *parts,
    const struct batch_gap *gap, char reason[RECORD_ERROR_MAX])
{
	int64_t first_pack = b->next_pack;

	/* If it is the bulk file that fails (a reader stays in it, the disk is
	 * full), all of the batch goes into the database. */
	for (int i = 0; i < 2; i++) {
		b->one_file = i == 1;
		b->next_pack = first_pack;
		if (try_write(b, parts, gap))
			return true;
		statement_error(b->sql.db, reason, RECORD_ERROR_MAX);
		bulk_rollback(&b->bulk);
		/* Fails if SQLite has rolled back by itself. */
		(void)run(b, SQL_ROLLBACK);
	}
	b->next_pack = first_pack;
	return false;
}

static bool
find_node(struct batch *b)
{
	char name[256] = "";
	struct bind put = bind_start(&b->sql, SQL_NODE_PUT), get;
	bool found;

	/* Too long for us: cut, not ended by a NUL. */
	(void)gethostname(name, sizeof(name) - 1);
	bind_text(&put, span_of(name));
	if (!bind_run(&put))
		return false;
	get = bind_start(&b->sql, SQL_NODE_GET);
	bind_text(&get, span_of(name));
	found = get.status == SQLITE_OK && sqlite3_step(get.stmt) == SQLITE_ROW;
	if (found)
		b->node = sqlite3_column_int64(get.stmt, 0);
	return sqlite3_reset(get.stmt) == SQLITE_OK && found;
}

static bool
look_up(struct batch *b, int64_t *session, int64_t *pack)
{
	return run(b, SQL_BEGIN) && find_node(b) &&
	    run(b, SQL_SESSION_INTERRUPT) &&
	    statement_int(&b->sql, SQL_LAST_SESSION, session) &&
	    statement_int(&b->sql, SQL_LAST_PACK, pack) && run(b, SQL_COMMIT);
}

bool
batch_init(struct batch *b, sqlite3 *db, const char *path,
    uint64_t *last_session, char error[RECORD_ERROR_MAX])
{
	int64_t session, pack;

	*b = (struct batch){ .sql.db = db };
	if (!look_up(b, &session, &pack))
		return connection_failed(db, path, error);
	if (!bulk_init(&b->bulk, path, pack, error))
		return false;
	b->next_pack = pack + 1;
	*last_session = (uint64_t)session;
	return true;
}

void
batch_fini(struct batch *b)
{
	statements_fini(&b->sql);
	bulk_fini(&b->bulk);
	text_free(&b->pack);
	text_free(&b->extents);
	text_free(&b->exchanges);
	text_free(&b->events);
}
