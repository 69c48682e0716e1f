-- What an older recording lacks, for those who read it: views without rows, of
-- the connection only. One for each version: what the next one has more.

-- name: older_1
pragma query_only = off;
pragma temp_store = memory;
create temp view tls as
select
  null as session_id, null as side, null as t_us, null as opaque,
  null as version, null as cipher, null as named_group, null as sni,
  null as alpn, null as verified, null as resumed, null as handshake_us,
  null as chain, null as offered, null as octets
where false;
create temp view certificate as
select null as sha256, null as pem
where false;
pragma query_only = on;
