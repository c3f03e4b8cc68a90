-- +goose Up

-- Raised when something cached in memory has changed (app/tenancy.Cached).
create table revisions (
  topic text primary key,
  rev   bigint not null default 1
);

-- Settings of the commune that its administrators change on the console.
-- origin tells whether the value came from its folder or from the console.
create table settings (
  key        text primary key,
  value      jsonb not null,
  origin     text not null default 'folder' check (origin in ('folder', 'console')),
  updated_at timestamptz not null default now()
);

create table outbox (
  id         bigint generated always as identity primary key,
  kind       text not null,
  payload    jsonb not null,
  created_at timestamptz not null default now(),
  run_after  timestamptz not null default now(),
  relayed_at timestamptz,
  attempts   integer not null default 0,
  done_at    timestamptz,
  gave_up_at timestamptz,
  last_error text not null default ''
);
create index outbox_open on outbox (run_after, id) where done_at is null and gave_up_at is null;

-- +sportello insert-only audit
create table audit (
  id       bigint generated always as identity primary key,
  at       timestamptz not null,
  actor_id text not null,
  actor    text not null,
  action   text not null,
  object   text not null default '',
  details  text not null default '{}'
);
create index audit_at on audit (at desc);
create index audit_object on audit (object, id desc);

-- Every audit line is linked to the one before: hash = sha256(previous ‖ line).
-- +sportello insert-only audit_chain
create table audit_chain (
  seq      bigint primary key,
  audit_id bigint not null unique,
  hash     bytea not null
);

create table accounts (
  id            uuid primary key,
  email         text not null unique check (email = lower(email)),
  password_hash text not null default '',
  first_name    text not null,
  last_name     text not null,
  firm          text not null default '',
  phone         text not null default '',
  avs           text unique,
  level         smallint not null default 0 check (level between 0 and 4),
  lang          text not null default 'it',
  confirmed_at  timestamptz,
  disabled_at   timestamptz,
  created_at    timestamptz not null default now()
);

create table account_tokens (
  hash       bytea primary key,
  account_id uuid not null references accounts on delete cascade,
  kind       text not null,
  expires_at timestamptz not null,
  used_at    timestamptz
);
create index account_tokens_account on account_tokens (account_id);

-- Who holds which role, and for which office ('' = the whole commune).
create table role_holders (
  account_id uuid not null references accounts on delete cascade,
  role       text not null,
  office     text not null default '',
  granted_at timestamptz not null default now(),
  primary key (account_id, role, office)
);
