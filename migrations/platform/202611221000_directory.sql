-- +goose Up
create schema if not exists ext;
create extension if not exists pg_trgm with schema ext;
create extension if not exists unaccent with schema ext;

-- Which communes there are and where each one lives.
create table communes (
  slug           text primary key check (slug ~ '^[a-z][a-z0-9]{1,39}$'),
  name           text not null,
  ref_prefix     text not null unique check (ref_prefix ~ '^[A-Z]{3}$'),
  bfs_number     integer,
  inhabitants    integer not null default 0,
  state          text not null default 'provisioning'
                 check (state in ('provisioning', 'active', 'suspended', 'archived')),
  state_reason   text not null default '',
  cluster        text not null default 'main',
  database       text not null default '',
  shard          integer not null default 0,
  schema_name    text not null unique check (schema_name ~ '^t_[a-z0-9_]{1,50}$'),
  role_name      text not null unique check (role_name ~ '^[a-z0-9_]{1,63}$'),
  login_name     text not null check (login_name ~ '^[a-z0-9_]{1,63}$'),
  schema_version bigint not null default 0,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now()
);

create table hosts (
  host text primary key check (host = lower(host)),
  slug text not null references communes on delete cascade
);

-- One row: raised whenever the directory changes, so that every process
-- notices within a second without reading the whole of it.
create table directory_revision (
  one boolean primary key default true check (one),
  rev bigint not null default 1
);
insert into directory_revision default values;

-- +goose StatementBegin
create function raise_directory_revision() returns trigger language plpgsql
security definer set search_path = platform, pg_temp as $$
begin
  update directory_revision set rev = rev + 1;
  return null;
end $$;
-- +goose StatementEnd
create trigger communes_changed after insert or update or delete on communes
  for each statement execute function raise_directory_revision();
create trigger hosts_changed after insert or update or delete on hosts
  for each statement execute function raise_directory_revision();

-- "Commune X has outbox rows": append-only, no unique key (writers of one
-- commune must not wait for each other). The name is the role's, not the
-- writer's to choose: communes may insert `at` and nothing else.
create table outbox_hints (
  id     bigint generated always as identity primary key,
  tenant name not null default current_user,
  at     timestamptz not null default clock_timestamp()
);

-- The shared entity's own people. They hold no role in any commune.
create table staff (
  id             uuid primary key,
  email          text not null unique check (email = lower(email)),
  name           text not null,
  password_hash  text not null,
  roles          text[] not null default '{}',
  totp_secret    bytea,
  totp_last_step bigint not null default 0,
  created_at     timestamptz not null default now(),
  disabled_at    timestamptz
);

-- Long work on communes, asked for on the entity's console and done by the
-- provisioning worker, which alone may create schemas.
create table jobs (
  id           uuid primary key,
  kind         text not null,
  slug         text not null default '',
  payload      jsonb not null default '{}',
  state        text not null default 'waiting'
               check (state in ('waiting', 'running', 'done', 'failed')),
  progress     integer not null default 0 check (progress between 0 and 100),
  steps        jsonb not null default '[]',
  message      text not null default '',
  asked_by     text not null,
  created_at   timestamptz not null default now(),
  heartbeat_at timestamptz,
  finished_at  timestamptz
);
create index jobs_waiting on jobs (created_at) where state in ('waiting', 'running');
create index jobs_slug on jobs (slug, created_at desc);

-- What the entity's people did. Insert-only for the runtime login.
create table audit (
  id      bigint generated always as identity primary key,
  at      timestamptz not null default clock_timestamp(),
  actor   text not null,
  action  text not null,
  object  text not null default '',
  details text not null default '{}'
);
