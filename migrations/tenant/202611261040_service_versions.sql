-- +goose Up

-- Where a service's definition comes from, and on which shared version it stands.
alter table services
  add column origin          text not null default 'folder' check (origin in ('folder', 'adopted', 'own')),
  add column base_version    integer check (base_version > 0),
  add column folder          jsonb,
  add column refused_version integer not null default 0,
  add column refused_why     text not null default '',
  add column refused_by      text not null default '',
  add column refused_at      timestamptz;
comment on column services.base_version is 'shared version the definition is; null: not of the shared catalogue';
comment on column services.folder is 'the overlay as the folder had it when it was last taken in; null: as overlay. Taking in the same again changes nothing';
comment on column services.refused_version is 'the newest shared version this commune has said no to; 0: none';

-- Services as people were offered them: what a draft was begun with opens it again.
create table service_versions (
  service_id    text not null,
  hash          text not null,
  definition    jsonb not null,
  version       integer not null,
  base_version  integer,
  fee_confirmed boolean not null default false,
  published_by  text not null default '',
  published_at  timestamptz not null,
  why           text not null default '',
  primary key (service_id, hash)
);

-- What a shared version has done to a service here: accepted, refused, undone. The
-- row as it was before is kept, so that undoing brings back the same bytes.
-- +sportello insert-only service_steps
create table service_steps (
  id              bigint generated always as identity primary key,
  service_id      text not null references services,
  kind            text not null check (kind in ('accepted', 'by-itself', 'refused', 'adopted', 'undone')),
  from_version    integer,
  to_version      integer,
  undoes          bigint references service_steps,
  why             text not null default '',
  choices         jsonb not null default '[]',
  done_by         text not null,
  done_at         timestamptz not null,
  before_version  integer not null,
  before_kind     text not null,
  before_definition jsonb not null,
  before_overlay    jsonb not null,
  before_console    jsonb not null,
  before_folder     jsonb,
  before_origin     text not null,
  before_base       integer,
  before_fee        text not null default '',
  before_fee_by     text not null default '',
  before_fee_at     timestamptz,
  after_hash        text not null default ''
);
create index service_steps_service on service_steps (service_id, id desc);
create unique index service_steps_undoes on service_steps (undoes) where undoes is not null;

-- What the commune lets happen by itself.
create table update_settings (
  one          boolean primary key default true check (one),
  accept_small boolean not null,
  set_by       text not null,
  set_at       timestamptz not null
);

-- Whether a version is still needed is asked by its hash.
create index cases_definition on cases (definition_hash);
create index drafts_version on drafts (service_id, service_hash) where submitted_at is null;

-- The newer version a person has seen and not moved to: not asked again.
alter table drafts add column stays_from text not null default '';
