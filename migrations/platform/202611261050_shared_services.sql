-- +goose Up

-- The shared catalogue: every version of every service that was ever published.
-- The definition is canonical JSON, kept as text so that its bytes never change.
-- +sportello grant insert on shared_services to runtime
create table shared_services (
  service_id   text not null,
  version      integer not null check (version > 0),
  title        text not null,
  definition   text not null,
  why          text not null,
  size         text not null check (size in ('small', 'large')),
  offered_by   text not null default '',
  published_by text not null,
  published_at timestamptz not null,
  primary key (service_id, version)
);
comment on column shared_services.offered_by is 'slug of the commune that offered it; empty: the entity wrote it';

-- Services that communes offer to the shared catalogue.
-- +sportello grant insert, update (state, answer, answered_by, answered_at, version) on service_offers to runtime
create table service_offers (
  id          uuid primary key,
  slug        text not null,
  service_id  text not null,
  title       text not null,
  definition  text not null,
  base        integer,
  why         text not null,
  state       text not null default 'waiting' check (state in ('waiting', 'taken', 'declined')),
  offered_by  text not null,
  offered_at  timestamptz not null,
  answer      text not null default '',
  answered_by text not null default '',
  answered_at timestamptz,
  version     integer
);
create index service_offers_state on service_offers (state, offered_at desc);
create index service_offers_slug on service_offers (slug, offered_at desc);
create unique index service_offers_waiting on service_offers (slug, service_id) where state = 'waiting';

-- On which version each commune stands and how far it has drifted, as the commune
-- itself counts: versions and counts, never what lies in a case.
-- +sportello grant insert, update, delete on service_standings to runtime
create table service_standings (
  slug            text not null,
  service_id      text not null,
  title           text not null,
  base_version    integer,
  published       boolean not null,
  drift           integer not null,
  waiting         integer,
  conflicts       integer not null default 0,
  refused_version integer not null default 0,
  refused_why     text not null default '',
  counted_at      timestamptz not null,
  primary key (slug, service_id)
);
create index service_standings_service on service_standings (service_id, slug);
