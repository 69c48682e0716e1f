-- Settings of a connection. Several statements each: for sqlite3_exec().

-- name: before_schema
pragma page_size = 16384;
pragma auto_vacuum = none;

-- name: writer_settings
-- A checkpointer of our own; a WAL that a slow reader has made longer than it
-- gets without one is cut to 192 MiB when it starts over; a small cache, for a
-- batch is written once and not read; deleted secrets are overwritten.
pragma journal_mode = wal;
pragma wal_autocheckpoint = 0;
pragma journal_size_limit = 201326592;
pragma cache_size = -2048;
pragma mmap_size = 0;
pragma temp_store = memory;
pragma secure_delete = on;

-- name: checkpointer_settings
pragma wal_autocheckpoint = 0;
pragma cache_size = -256;
pragma mmap_size = 0;

-- name: sync_async
-- Safe from kill -9 at once, from a power cut as of the next checkpoint.
pragma synchronous = normal;

-- name: sync_commit
-- Safe from a power cut as of each commit.
pragma synchronous = full;

-- name: reader_settings
-- The schema has to be trusted: SQLite 3.40 lets no view use JSON otherwise. That
-- our views are ours was seen before (schema.c).
pragma query_only = on;
pragma cell_size_check = on;
pragma mmap_size = 0;
