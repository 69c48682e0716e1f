/* store_wire: a session's wire log, put together again from its packs. */
#include <stdio.h>
#include <stdlib.h>

#include "record/store.h"
#include "record/store_files.h"

/* What is read of a session: its logs, one per part. */
struct logs {
	struct store *store;
	sqlite3 *db;
	sqlite3_blob *pack;	/* open at pack_id; NULL: none */
	int64_t pack_id;
	uint64_t bound;		/* octets: no session is larger than its files */
	struct text bytes;	/* the logs, end to end */
	struct text ends;	/* size_t each: where they end in bytes */
	const char *damage;	/* the first found; NULL: none */
};

/* A frame and its place, for a sort that keeps the order of equals. */
struct placed {
	struct wire_frame frame;
	size_t place;		/* in the order in which it was understood */
	size_t segment;		/* of the wire, */
	bool begins;		/* and the first of it */
};

static bool
damaged(struct logs *l, const char *what)
{
	if (!l->damage)
		l->damage = what;
	return false;
}

static bool
open_pack(struct logs *l, int64_t id)
{
	int status;

	if (l->pack && l->pack_id == id)
		return true;
	l->pack_id = id;
	if (l->pack)
		status = sqlite3_blob_reopen(l->pack, id);
	else
		status = sqlite3_blob_open(l->db, "main", "pack", "data", id, 0,
		    &l->pack);
	if (status == SQLITE_OK)
		return true;
	(void)sqlite3_blob_close(l->pack);
	l->pack = NULL;
	return damaged(l, "a pack is missing");
}

/* Append octets of a pack to the logs. */
static bool
read_pack(struct logs *l, sqlite3_blob *pack, uint64_t offset, uint64_t octets)
{
	uint64_t size = (uint64_t)sqlite3_blob_bytes(pack);
	char *to;

	if (offset > size || octets > size - offset)
		return damaged(l, "an extent lies outside its pack");
	if (octets > l->bound - l->bytes.n)
		return damaged(l, "its extents are larger than the file");
	to = text_grow(&l->bytes, octets);
	if (!to)
		return damaged(l, "there is no memory for it");
	if (sqlite3_blob_read(pack, to, (int)octets, (int)offset) == SQLITE_OK)
		return true;
	l->bytes.n -= octets;
	return damaged(l, "a pack cannot be read");
}

/* From the bulk file, which is left at once: who stays in it keeps the writer
 * from committing. */
static bool
read_bulk(struct logs *l, uint64_t offset, uint64_t octets)
{
	sqlite3 *db = store_bulk(l->store);
	sqlite3_blob *pack = NULL;
	bool ok;

	if (!db)
		return damaged(l, "the bulk file beside it cannot be read");
	l->bound = store_octets(l->store);
	ok = sqlite3_blob_open(db, "main", "pack", "data", l->pack_id, 0,
	    &pack) == SQLITE_OK ? read_pack(l, pack, offset, octets) :
	    damaged(l, "a pack is missing in the bulk file");
	(void)sqlite3_blob_close(pack);
	return ok;
}

static bool
read_extent(struct logs *l, uint64_t pack, uint64_t offset, uint64_t octets)
{
	if (pack > INT64_MAX || !open_pack(l, (int64_t)pack))
		return damaged(l, "a pack is missing");
	if (sqlite3_blob_bytes(l->pack) == 0)
		return read_bulk(l, offset, octets);
	return read_pack(l, l->pack, offset, octets);
}

static void
read_part(struct logs *l, struct span extents)
{
	uint64_t pack, offset, octets;

	while (extents.n) {
		if (!wire_varint_get(&extents, &pack) ||
		    !wire_varint_get(&extents, &offset) ||
		    !wire_varint_get(&extents, &octets)) {
			(void)damaged(l, "an extent is no extent");
			break;
		}
		if (!read_extent(l, pack, offset, octets))
			break;
	}
	text_put(&l->ends, &l->bytes.n, sizeof(l->bytes.n));
}

static void
read_parts(struct logs *l, sqlite3_stmt *stmt, int64_t session)
{
	(void)sqlite3_bind_int64(stmt, 1, session);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *p = sqlite3_column_blob(stmt, 0);
		int n = sqlite3_column_bytes(stmt, 0);

		read_part(l, (struct span){ p, p ? (size_t)n : 0 });
	}
	if (sqlite3_reset(stmt) != SQLITE_OK)
		(void)damaged(l, "its parts cannot be read");
	if (l->ends.failed)
		(void)damaged(l, "there is no memory for it");
	(void)sqlite3_blob_close(l->pack);
	l->pack = NULL;
}

static int
by_time(const void *left, const void *right)
{
	const struct placed *a = left, *b = right;

	if (a->frame.t_us != b->frame.t_us)
		return a->frame.t_us < b->frame.t_us ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static int
by_place(const void *left, const void *right)
{
	const struct placed *a = left, *b = right;

	return a->place < b->place ? -1 : a->place > b->place;
}

static void
decode_log(struct logs *l, struct span log, struct text *frames)
{
	struct placed f = { 0 };
	int64_t last_us = 0;

	while (wire_get(&log, &f.frame, &last_us)) {
		f.place = frames->n;
		text_put(frames, &f, sizeof(f));
	}
	if (log.n)
		(void)damaged(l, "a frame is no frame");
	if (frames->failed)
		(void)damaged(l, "there is no memory for it");
}

/* All frames as struct placed, in the order in which they came. */
static void
decode(struct logs *l, struct text *frames)
{
	const size_t *ends = (const size_t *)(void *)l->ends.p;
	size_t begin = 0;

	for (size_t i = 0; i < l->ends.n / sizeof(*ends); i++) {
		if (ends[i] > begin)
			decode_log(l, (struct span){ l->bytes.p + begin,
			    ends[i] - begin }, frames);
		begin = ends[i];
	}
	if (frames->n)
		qsort(frames->p, frames->n / sizeof(struct placed),
		    sizeof(struct placed), by_time);
}

static bool
is_mark(enum wire_kind kind)
{
	return kind == WIRE_FIN || kind == WIRE_RESET || kind == WIRE_SECURED;
}

/* What side sent, and what smtptap put in or said in its name meanwhile. */
static bool
in_one_segment(const struct store_segment *a, const struct wire_frame *b)
{
	return a->t_us == b->t_us && a->side == b->side && !is_mark(a->kind) &&
	    !is_mark(b->kind);
}

static bool
is_stand_in(enum wire_kind kind)
{
	return kind == WIRE_REDACTED || kind == WIRE_WITHHELD_REDACTED;
}

/* Their bytes are laid end to end in w->memory, which has the room. */
static void
add_segment(struct store_wire *w, const struct wire_frame *f)
{
	struct store_segment *last = w->n ? &w->segments[w->n - 1] : NULL;
	bool same = last && in_one_segment(last, f);
	char *at = w->memory.p + w->memory.n;

	text_span(&w->memory, f->bytes);
	if (same && last->kind == f->kind && !is_stand_in(f->kind)) {
		last->octets += f->octets;
		last->bytes.n += f->bytes.n;
		return;
	}
	w->segments[w->n++] = (struct store_segment){
		.kind = f->kind, .side = f->side, .same_segment = same,
		.t_us = f->t_us, .octets = f->octets,
		.bytes = { at, f->bytes.n },
	};
}

bool
store_is_mark(const struct store_wire *w, size_t i)
{
	const struct store_segment *seg = &w->segments[i];

	return is_mark(seg->kind) || (seg->kind == WIRE_OWN &&
	    !seg->same_segment && (i + 1 == w->n || !seg[1].same_segment));
}

/* By the order of the frames in the log. Where some are missing, so is what
 * would tell what the others meant. */
static void
build_turns(struct logs *l, struct placed *f, size_t n, struct store_wire *w)
{
	for (size_t i = 0; i < n; i++)
		if (f[i].frame.kind == WIRE_GAP)
			return;
	qsort(f, n, sizeof(*f), by_place);
	for (size_t i = 0; i < n; i++) {
		const struct wire_frame *frame = &f[i].frame;

		if (wire_is_stream(frame->kind))
			turns_add(&w->turns, (enum turn_of)frame->side,
			    frame->bytes.n);
		else if (f[i].begins && store_is_mark(w, f[i].segment))
			turns_add(&w->turns, TURN_MARK, 1);
	}
	if (w->turns.list.failed)
		(void)damaged(l, "there is no memory for it");
}

static void
build(struct logs *l, const struct text *frames, struct store_wire *w)
{
	struct placed *f = (struct placed *)(void *)frames->p;
	size_t n = frames->n / sizeof(*f);

	if (n == 0)
		return;
	w->segments = calloc(n, sizeof(*w->segments));
	if (!w->segments || !text_grow(&w->memory, l->bytes.n)) {
		(void)damaged(l, "there is no memory for it");
		return;
	}
	text_clear(&w->memory);
	for (size_t i = 0; i < n; i++) {
		size_t before = w->n;

		add_segment(w, &f[i].frame);
		f[i].segment = w->n - 1;
		f[i].begins = w->n > before;
	}
	build_turns(l, f, n, w);
}

bool
store_wire(struct store *s, int64_t session, struct store_wire *w,
    char error[RECORD_ERROR_MAX])
{
	sqlite3_stmt *stmt = store_query(s, SQL_PART_EXTENTS);
	struct logs l = { 0 };
	struct text frames = { 0 };

	*w = (struct store_wire){ 0 };
	if (stmt) {
		l.store = s;
		l.db = sqlite3_db_handle(stmt);
		l.bound = store_octets(s);
		read_parts(&l, stmt, session);
	} else {
		(void)damaged(&l, "its parts cannot be read");
	}
	decode(&l, &frames);
	build(&l, &frames, w);
	text_free(&frames);
	text_free(&l.bytes);
	text_free(&l.ends);
	if (l.damage)
		(void)snprintf(error, RECORD_ERROR_MAX,
		    "the wire log is damaged: %s", l.damage);
	return l.damage == NULL;
}

void
store_wire_free(struct store_wire *w)
{
	free(w->segments);
	text_free(&w->memory);
	turns_free(&w->turns);
	*w = (struct store_wire){ 0 };
}
