-- What `smtptap list` shows. A parameter that is null does not filter; texts
-- are looked for anywhere in the column, in any case of ASCII letters.

-- Columns whose names begin with _ are for the table only; the others are the
-- view session. Networks are matched by replay/filter.c.
-- name: list_sessions
select
  v.id, v.node, v.listener, v.started_at, v.duration_us, v.client,
  v.original_dst, v.upstream, v.helo, v.auth_user, v.tls_client, v.tls_server,
  v.sni, v.messages, v.recipients, v.bytes_in, v.bytes_out, v.last_code,
  v.events, v.rewritten, v.level, v.ended_by,
  (select m.mail_from from message_row m
    where m.id >= v.number << 24 and m.id < (v.number + 1) << 24
    order by m.id limit 1) as _from,
  (select sum(m.size) from message_row m
    where m.id >= v.number << 24 and m.id < (v.number + 1) << 24) as _size
from session_numbered v
join session_row s
  on s.id = v.number
where (:helo is null or instr(lower(s.helo), lower(:helo)) > 0)
  and (:tls is null or case lower(:tls)
    when 'yes' then coalesce(s.tls_client, s.tls_server) is not null
    when 'no' then coalesce(s.tls_client, s.tls_server) is null
    else instr(lower(coalesce(s.tls_client, '') || ' '
      || coalesce(s.tls_server, '')), lower(:tls)) > 0 end)
  and (:longer_us is null or s.duration_us > :longer_us)
  and (:shorter_us is null or s.duration_us < :shorter_us)
  and (:since_us is null or s.start_us >= :since_us)
  and (:until_us is null or s.start_us < :until_us)
  and ((:sender is null and :recipient is null and :subject is null
      and :queue_id is null and :larger is null and :smaller is null)
    or exists (
      select 1 from message_row m
      where m.id >= s.id << 24 and m.id < (s.id + 1) << 24
        and (:sender is null or case :sender when '<>' then m.mail_from = ''
          else instr(lower(m.mail_from), lower(:sender)) > 0 end)
        and (:subject is null
          or instr(lower(m.subject), lower(:subject)) > 0)
        and (:queue_id is null
          or instr(lower(m.queue_id), lower(:queue_id)) > 0)
        and (:larger is null or m.size > :larger)
        and (:smaller is null or m.size < :smaller)
        and (:recipient is null or exists (
          select 1 from json_each(m.recipients) r
          where instr(lower(r.value ->> 0), lower(:recipient)) > 0))))
  and (:verb is null and :code_from is null or exists (
    select 1 from part p, json_each(p.exchanges) e
    where p.id >= s.id << 24 and p.id < (s.id + 1) << 24
      and (:verb is null or e.value ->> 1 = upper(:verb))
      and (:code_from is null
        or e.value ->> 4 between :code_from and :code_to)))
  and (:event is null or exists (
    select 1 from part p, json_each(p.events) e
    where p.id >= s.id << 24 and p.id < (s.id + 1) << 24
      and :event in (e.value ->> 2, e.value ->> 3, e.value ->> 5)))
  and (:rule is null or exists (
    select 1 from part p, json_each(p.events) e
    where p.id >= s.id << 24 and p.id < (s.id + 1) << 24
      and e.value ->> 5 = :rule))
  and (:rewritten is null or s.rewritten > 0)
order by v.number desc;
