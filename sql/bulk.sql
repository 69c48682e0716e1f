-- FILE.db-bulk: packs that are full. Every one has a row in pack of FILE.db, too,
-- with no data: that is the index, and is committed after it.

-- name: bulk_settings
-- Large pages, for rows of 1 MiB. A rollback journal that stays: what is only
-- appended is written once, and not twice as with a WAL.
pragma page_size = 65536;
pragma auto_vacuum = none;
pragma journal_mode = persist;
pragma journal_size_limit = 1048576;
pragma cache_size = -8192;
pragma mmap_size = 0;
pragma temp_store = memory;
pragma secure_delete = on;
pragma synchronous = normal;

-- name: bulk_schema
create table if not exists pack(id integer primary key, data blob not null);

-- name: bulk_forget
-- Packs of a batch that never got into the index. Parameter: its last pack.
delete from pack
where id > :last;
