-- +goose Up

-- When which commune (or "" for the whole) was last backed up, and whether the
-- copy has been read back since.
-- +sportello grant insert, update on backups to runtime
create table backups (
  id             uuid primary key,
  slug           text not null,
  kind           text not null check (kind in ('commune', 'whole', 'export')),
  at             timestamptz not null,
  size           bigint not null default 0,
  location       text not null default '',
  sha256         text not null default '',
  schema_version bigint not null default 0,
  checked_at     timestamptz,
  state          text not null default 'done' check (state in ('done', 'failed')),
  message        text not null default ''
);
create index backups_slug on backups (slug, at desc);
