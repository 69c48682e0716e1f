-- Statements of the reader.

-- name: session_nth_last
-- :back 0 is the last one.
select id
from session_row
order by id desc
limit 1 offset :back;

-- name: session_between
-- Two are enough to see that a prefix is not unique.
select id
from session_row
where uuid between :low and :high
limit 2;

-- name: part_extents
select extents
from part
where id >= :id << 24 and id < (:id + 1) << 24
order by id;

-- name: file_octets
select page_count * page_size
from pragma_page_count(), pragma_page_size();
