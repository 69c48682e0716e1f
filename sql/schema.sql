-- Statements that work on any SQLite database, ours or not.

-- name: application_id
pragma application_id;

-- name: user_version
pragma user_version;

-- name: table_count
select count(*)
from sqlite_schema;
