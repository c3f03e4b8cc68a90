-- +goose Up

-- What the entity's people have asked of communes. How it stands is in the
-- commune's own schema (access_grants, same id); nothing here grants anything.
-- +sportello grant insert on access_requests to runtime
create table access_requests (
  id           uuid primary key,
  slug         text not null,
  staff_id     uuid not null,
  staff_name   text not null,
  staff_email  text not null,
  reason       text not null,
  scope        text not null,
  object       text not null default '',
  hours        integer not null,
  asked_at     timestamptz not null default now()
);
create index access_requests_slug on access_requests (slug, asked_at desc);

-- What became of it, copied after the fact for the entity's own record.
-- +sportello grant insert on access_events to runtime
create table access_events (
  request_id uuid not null,
  event      text not null,
  slug       text not null,
  at         timestamptz not null,
  by_whom    text not null,
  primary key (request_id, event)
);
