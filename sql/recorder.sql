-- Statements of the writer. Parameters are bound in the order in which they
-- stand here.

-- name: begin
begin immediate;

-- name: commit
commit;

-- name: rollback
rollback;

-- name: last_session
-- The highest session id in use, by a row or by what is filed under it.
select max(
  coalesce((select max(id) from session_row), 0),
  coalesce((select max(id) >> 24 from part), 0),
  coalesce((select max(id) >> 24 from message_row), 0),
  coalesce((select max(id) >> 24 from tls_row), 0));

-- name: last_pack
select coalesce(max(id), 0)
from pack;

-- name: node_put
insert into node(name)
select :name
where not exists (select 1 from node where name = :name);

-- name: node_get
select id
from node
where name = :name;

-- name: session_interrupt
-- Sessions that were open when the recorder died.
update session_row
set state = 2
where state = 0;

-- name: session_put
insert or replace into session_row(
  id, uuid, node, state, gap, start_us, duration_us, listener, client,
  original_dst, upstream, helo, auth_user, tls_client, tls_server, sni,
  messages, recipients, bytes_in, bytes_out, last_code, events, rewritten,
  ended_by)
values(
  :id, :uuid, :node, :state, :gap, :start_us, :duration_us, :listener, :client,
  :original_dst, :upstream, :helo, :auth_user, :tls_client, :tls_server, :sni,
  :messages, :recipients, :bytes_in, :bytes_out, :last_code, :events, :rewritten,
  :ended_by);

-- name: part_put
insert or replace into part(
  id, exchanges_before, events_before, exchanges, events, extents)
values(
  :id, :exchanges_before, :events_before, :exchanges, :events, :extents);

-- name: message_put
insert or replace into message_row(
  id, mail_from, recipients, size, sha256, subject, header_from, header_to,
  message_id, date, code, enhanced, reply, queue_id, accepted)
values(
  :id, :mail_from, :recipients, :size, :sha256, :subject, :header_from, :header_to,
  :message_id, :date, :code, :enhanced, :reply, :queue_id, :accepted);

-- name: gap_put
insert into gap(node, start_us, end_us, sessions)
values(:node, :start_us, :end_us, :sessions);

-- name: pack_put
insert or replace into pack(id, data)
values(:id, :data);

-- name: tls_put
insert or replace into tls_row(
  id, t_us, opaque, version, cipher, named_group, sni, alpn, verified, resumed,
  handshake_us, chain, offered, octets)
values(
  :id, :t_us, :opaque, :version, :cipher, :named_group, :sni, :alpn, :verified,
  :resumed, :handshake_us, :chain, :offered, :octets);

-- name: certificate_put
insert or ignore into certificate_row(sha256, pem)
values(:sha256, :pem);
