-- +goose Up

-- A paper that the commune issued. The row is reserved first, with number and
-- code; it counts once the sealed file is there and its hash is noted.
create table documents (
  id          uuid primary key,
  case_id     uuid not null,
  case_ref    text not null,
  owner_id    uuid not null,
  office      text not null,
  kind        text not null,
  title       text not null,
  code        text not null unique check (code ~ '^[0-9A-HJKMNP-TV-Z]{16}$'),
  sha256      text not null default '' check (sha256 ~ '^([0-9a-f]{64})?$'),
  size        bigint not null default 0,
  blob_key    text not null default '',
  sealed_by   text not null default '',
  fingerprint text not null default '',
  issued_at   timestamptz not null,
  valid_until timestamptz,
  revoked_at  timestamptz,
  reason      text not null default '',
  unique (case_id, kind)
);
create unique index documents_hash on documents (sha256) where sha256 <> '';
create index documents_owner on documents (owner_id, issued_at desc);
create index documents_seal on documents (fingerprint) where fingerprint <> '';

-- The commune's seal: a PKCS#12 file under a random password, which is sealed
-- with the master key. One is in use; older ones stay for what they sealed.
create table seal_keys (
  fingerprint text primary key,
  pkcs12      bytea not null,
  password    bytea not null,
  subject     text not null,
  not_after   timestamptz not null,
  added_at    timestamptz not null,
  in_use      boolean not null
);
create unique index seal_keys_one on seal_keys (in_use) where in_use;
