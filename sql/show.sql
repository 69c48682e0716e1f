-- One session, as the public views have it.

-- name: session_row
select
  v.id, v.node, v.listener, v.started_at, v.duration_us, v.client,
  v.original_dst, v.upstream, v.helo, v.auth_user, v.tls_client, v.tls_server,
  v.sni, v.messages, v.recipients, v.bytes_in, v.bytes_out, v.last_code,
  v.events, v.rewritten, v.level, v.ended_by
from session_numbered v
where v.number = :session;

-- name: session_exchanges
select * from exchange
where session_id = (select uuid from session_row where id = :session)
order by seq;

-- name: session_messages
select * from message
where session_id = (select uuid from session_row where id = :session)
order by seq;

-- name: session_recipients
select * from recipient
where session_id = (select uuid from session_row where id = :session)
  and message_seq = :message;

-- In order of time: parts are written when they are full, events of one part
-- in the order in which they were understood.
-- name: session_events
select * from event
where session_id = (select uuid from session_row where id = :session)
order by t_us, seq;

-- name: session_tls
select * from tls
where session_id = (select uuid from session_row where id = :session)
order by side;

-- name: certificate_pem
select pem from certificate
where sha256 = :sha256;
