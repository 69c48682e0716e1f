-- What `smtptap check` compares with the wire.

-- name: check_sessions
select id, uuid, gap, state from session_row order by id;

-- name: check_exchanges
select coalesce(sum(json_array_length(exchanges)), 0)
from part
where id >= :session << 24 and id < (:session + 1) << 24;

-- name: check_messages
select id & 16777215, size, lower(hex(sha256)), accepted
from message_row
where id >= :session << 24 and id < (:session + 1) << 24
order by id;

-- name: check_integrity
select integrity_check from pragma_integrity_check;

-- name: check_version
select user_version from pragma_user_version;
