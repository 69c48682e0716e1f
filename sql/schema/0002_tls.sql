-- What is known of TLS, of each side of a session: that of the client with
-- smtptap, that of smtptap with the server, or one that passed through.

create table tls_row(
  id integer primary key,        -- session_row.id << 24 | 0 client, 1 server
  t_us int,                      -- when the handshake was done; opaque: when it began
  opaque int not null,           -- 1: between client and server, passed through
  version text,                  -- "TLSv1.3"
  cipher text,
  named_group text,              -- of the key exchange
  sni text,                      -- server name asked for
  alpn text,                     -- chosen; opaque: by the client's row, offered
  verified text,                 -- the peer's certificate: "ok", or why not
  resumed int not null,          -- 0 or 1
  handshake_us int,
  chain text,                    -- JSON: [certificate_row.sha256 in hex...],
                                 -- the peer's, leaf first
  offered text,                  -- opaque: versions, newest first
  octets int                     -- opaque: that side sent, in TLS
);

-- Certificates that peers have shown, each once.
create table certificate_row(
  id integer primary key,
  sha256 blob not null unique,   -- of the DER
  pem text not null
);

create view tls as
select
  s.uuid as session_id,
  case t.id & 1 when 0 then 'client' else 'server' end as side,
  t.t_us,
  t.opaque,
  t.version,
  t.cipher,
  t.named_group,
  t.sni,
  t.alpn,
  t.verified,
  t.resumed,
  t.handshake_us,
  t.chain,
  t.offered,
  t.octets
from session_row s
cross join tls_row t
  on t.id >= s.id << 24 and t.id < (s.id + 1) << 24;

create view certificate as
select
  lower(hex(c.sha256)) as sha256,
  c.pem
from certificate_row c;
