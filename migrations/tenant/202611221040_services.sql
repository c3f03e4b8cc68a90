-- +goose Up

-- What the commune offers. The three layers are kept apart, so that a folder
-- taken in again never undoes what a console changed: the shared definition,
-- what the commune's folder says differs, what its console changed.
create table services (
  id                text primary key,
  definition        jsonb not null,
  overlay           jsonb not null default '{}',
  console           jsonb not null default '{}',
  version           integer not null,
  kind              text not null check (kind in ('smart', 'traditional')),
  offered           boolean not null default true,
  published         boolean not null default false,
  published_origin  text not null default 'folder' check (published_origin in ('folder', 'console')),
  fee_confirmed     text not null default '',
  fee_confirmed_by  text not null default '',
  fee_confirmed_at  timestamptz,
  updated_by        text not null default '',
  updated_at        timestamptz not null default now()
);
comment on column services.offered is 'false once the folder no longer lists it: kept for its cases';
comment on column services.fee_confirmed is 'hash of the fee that an administrator confirmed: another fee is not confirmed';
