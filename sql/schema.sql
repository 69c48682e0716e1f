-- Statements that work on any SQLite database, ours or not.

-- name: application_id
pragma application_id;

-- name: user_version
pragma user_version;

-- name: table_count
select count(*)
from sqlite_schema;

-- name: schema_objects
-- What our migrations made; not what an analyst has added, such as indexes.
select type, name, sql
from sqlite_schema
where type in ('table', 'view');

-- name: schema_object
select count(*)
from sqlite_schema
where type = :type
  and name = :name
  and sql = :sql;
