-- The first version. The views at the end are the public interface, described
-- in docs/SCHEMA.md; the tables are smtptap's own and may change.
--
-- Rowids are chosen so that all of a session lies together: a session's parts
-- and messages have ids from session << 24, and are found without an index.

-- "STAP": tells our databases from others.
pragma application_id = 0x53544150;

-- A machine that records.
create table node(
  id integer primary key,
  name text not null             -- its host name
);

-- A session. Small, so that a scan over all of them is cheap.
create table session_row(
  id integer primary key,        -- in order of accept
  uuid text not null,            -- UUIDv7, lower case with dashes: the public id
  node int not null,             -- node.id
  state int not null,            -- 0 open, 1 complete, 2 interrupted by a crash
  gap int not null,              -- 1: something of it was not recorded
  start_us int not null,         -- us since 1970
  duration_us int,               -- us; null while open
  listener text,
  client text,                   -- addr:port
  original_dst text,             -- addr:port
  upstream text,                 -- addr:port
  helo text,
  auth_user text,
  tls_client text,               -- version and cipher, or opaque
  tls_server text,
  sni text,
  messages int not null,         -- accepted by the server
  recipients int not null,       -- accepted by the server
  bytes_in int not null,         -- octets received from the client
  bytes_out int not null,        -- octets received from the server
  last_code int,                 -- of the server's last reply
  events int not null,
  rewritten int not null,        -- commands and replies changed by policy
  ended_by text
);

-- A part of a session: what was gathered since the part before.
create table part(
  id integer primary key,        -- session_row.id << 24 | 0, 1, ...
  exchanges_before int not null, -- in earlier parts
  events_before int not null,    -- in earlier parts
  exchanges text,                -- JSON: [[t_us, verb, argument, forwarded,
                                 -- code, enhanced, reply, latency_us, origin]...]
  events text,                   -- JSON: [[t_us, side, name, severity, detail,
                                 -- rule]...]
  extents blob                   -- where its wire log lies: varints
                                 -- (pack.id, offset, octets)...; record/FORMAT.md
);

-- A mail transaction that got as far as its content, or was refused it.
create table message_row(
  id integer primary key,        -- session_row.id << 24 | 1, 2, ...
  mail_from text,
  recipients text,               -- JSON: [[address, code, enhanced, reply]...]
  size int,                      -- octets of content as meant; null: none came
  sha256 blob,                   -- of that content
  subject text,
  header_from text,
  header_to text,
  message_id text,
  date text,
  code int,                      -- of the reply to end of data
  enhanced text,
  reply text,
  queue_id text,
  accepted int not null          -- 0 or 1
);

-- Wire logs of many parts, laid end to end; up to 1 MiB.
create table pack(
  id integer primary key,
  data blob not null
);

-- A time in which sessions ended and could not be recorded at all: the database
-- failed, and the queue had filled.
create table gap(
  id integer primary key,
  node int not null,             -- node.id
  start_us int not null,         -- us since 1970: the first of them ended
  end_us int not null,           -- the database worked again
  sessions int not null          -- how many, or parts of how many
);

-- smtptap's own: a session and its number, in which its other rows have their
-- ids, so that a list needs no search by uuid.
create view session_numbered as
select
  s.id as number,
  s.uuid as id,
  (select n.name from node n where n.id = s.node) as node,
  s.listener,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_us / 1000000, 'unixepoch')
    || printf('.%06dZ', s.start_us % 1000000) as started_at,
  s.duration_us,
  s.client,
  s.original_dst,
  s.upstream,
  s.helo,
  s.auth_user,
  s.tls_client,
  s.tls_server,
  s.sni,
  s.messages,
  s.recipients,
  s.bytes_in,
  s.bytes_out,
  s.last_code,
  s.events,
  s.rewritten,
  'full' as level,
  case s.state when 0 then null when 2 then 'interrupted' else s.ended_by end
    as ended_by
from session_row s;

create view session as
select
  id, node, listener, started_at, duration_us, client, original_dst,
  upstream, helo, auth_user, tls_client, tls_server, sni, messages,
  recipients, bytes_in, bytes_out, last_code, events, rewritten, level,
  ended_by
from session_numbered;

-- Cross joins keep the order of the tables: from a session to its parts by a
-- range of rowids.
create view exchange as
select
  s.uuid as session_id,
  p.exchanges_before + e.key + 1 as seq,
  e.value ->> 0 as t_us,
  e.value ->> 1 as verb,
  e.value ->> 2 as argument,
  e.value ->> 3 as forwarded,
  e.value ->> 4 as code,
  e.value ->> 5 as enhanced,
  e.value ->> 6 as reply,
  e.value ->> 7 as latency_us,
  e.value ->> 8 as origin
from session_row s
cross join part p
  on p.id >= s.id << 24 and p.id < (s.id + 1) << 24
cross join json_each(p.exchanges) e;

create view event as
select
  s.uuid as session_id,
  p.events_before + e.key + 1 as seq,
  e.value ->> 0 as t_us,
  e.value ->> 1 as side,
  e.value ->> 2 as name,
  e.value ->> 3 as severity,
  e.value ->> 4 as detail,
  e.value ->> 5 as rule
from session_row s
cross join part p
  on p.id >= s.id << 24 and p.id < (s.id + 1) << 24
cross join json_each(p.events) e;

create view message as
select
  s.uuid as session_id,
  m.id & 16777215 as seq,
  m.mail_from,
  (select json_group_array(r.value ->> 0) from json_each(m.recipients) r)
    as recipients,
  m.size,
  nullif(lower(hex(m.sha256)), '') as sha256,
  m.subject,
  m.header_from,
  m.header_to,
  m.message_id,
  m.date,
  m.code,
  m.enhanced,
  m.reply,
  m.queue_id,
  m.accepted
from session_row s
cross join message_row m
  on m.id >= s.id << 24 and m.id < (s.id + 1) << 24;

create view recipient as
select
  s.uuid as session_id,
  m.id & 16777215 as message_seq,
  r.value ->> 0 as address,
  r.value ->> 1 as code,
  r.value ->> 2 as enhanced,
  r.value ->> 3 as reply
from session_row s
cross join message_row m
  on m.id >= s.id << 24 and m.id < (s.id + 1) << 24
cross join json_each(m.recipients) r;
