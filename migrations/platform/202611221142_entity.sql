-- +goose Up

-- How many requests of a commune failed, by hour. Counts, nothing else.
-- +sportello grant insert, update on error_counts to runtime
create table error_counts (
  slug text not null,
  hour timestamptz not null,
  n    bigint not null,
  primary key (slug, hour)
);
create index error_counts_hour on error_counts (hour);

-- Until when the certificate of a commune's own domain is valid, as last seen.
-- +sportello grant insert, update on certificates to runtime
create table certificates (
  host       text primary key,
  slug       text not null,
  not_after  timestamptz,
  checked_at timestamptz not null,
  message    text not null default ''
);

-- Announcements and maintenance windows. No commune named means all of them.
-- +sportello grant insert, update (withdrawn_at) on announcements to runtime
create table announcements (
  id           uuid primary key,
  kind         text not null check (kind in ('info', 'maintenance')),
  texts        jsonb not null,
  starts_at    timestamptz not null,
  ends_at      timestamptz not null check (ends_at > starts_at),
  slugs        text[] not null default '{}',
  written_by   text not null,
  written_at   timestamptz not null,
  withdrawn_at timestamptz
);
create index announcements_ends on announcements (ends_at) where withdrawn_at is null;

-- One-time links by which a member of the staff chooses a password and sets up
-- the second factor. The secret is sealed.
-- +sportello grant insert, update (used_at) on staff_invites to runtime
create table staff_invites (
  hash       bytea primary key,
  staff_id   uuid not null references staff,
  secret     bytea not null,
  invited_at timestamptz not null,
  expires_at timestamptz not null,
  used_at    timestamptz
);
create index staff_invites_staff on staff_invites (staff_id, invited_at desc);

-- The service desk between communes and entity. The times that were agreed when
-- a request was opened stay with it.
-- +sportello grant insert, update (state, first_answer_at, solved_at, updated_at) on support_requests to runtime
create table support_requests (
  id              uuid primary key,
  slug            text not null,
  subject         text not null,
  priority        text not null check (priority in ('urgent', 'normal', 'low')),
  state           text not null check (state in ('open', 'answered', 'solved')),
  opened_by       text not null,
  opened_email    text not null,
  created_at      timestamptz not null,
  first_due       timestamptz not null,
  solve_due       timestamptz not null,
  first_answer_at timestamptz,
  solved_at       timestamptz,
  updated_at      timestamptz not null
);
create index support_requests_slug on support_requests (slug, updated_at desc);
create index support_requests_state on support_requests (state, created_at desc);

-- +sportello grant insert on support_messages to runtime
create table support_messages (
  id         uuid primary key,
  request_id uuid not null references support_requests,
  at         timestamptz not null,
  author     text not null,
  entity     boolean not null,
  text       text not null
);
create index support_messages_request on support_messages (request_id, at);

-- The agreed times in working hours; the newest row of a priority counts.
-- +sportello grant insert on support_times to runtime
create table support_times (
  id          bigint generated always as identity primary key,
  priority    text not null check (priority in ('urgent', 'normal', 'low')),
  first_hours integer not null check (first_hours between 1 and 1000),
  solve_hours integer not null check (solve_hours between 1 and 1000),
  decided_by  text not null,
  decided_at  timestamptz not null
);
create index support_times_priority on support_times (priority, id desc);

-- Projects that several communes pay for together.
-- +sportello grant insert, update on projects to runtime
create table projects (
  id          uuid primary key,
  name        text not null,
  description text not null default '',
  state       text not null check (state in ('planned', 'running', 'done', 'stopped')),
  total       bigint not null check (total between 0 and 99999999999),
  share       text not null check (share in ('alike', 'inhabitants')),
  slugs       text[] not null,
  milestones  jsonb not null default '[]',
  updated_by  text not null,
  updated_at  timestamptz not null
);
create index projects_slugs on projects using gin (slugs);

-- Whom the entity has work done by. No commune named means for all.
-- +sportello grant insert, update (ended_on) on subprocessors to runtime
create table subprocessors (
  id       uuid primary key,
  name     text not null,
  service  text not null,
  location text not null,
  slugs    text[] not null default '{}',
  since    date not null,
  ended_on date,
  added_by text not null
);

-- The contract by which the entity works on a commune's data.
-- +sportello grant insert, update on processor_contracts to runtime
create table processor_contracts (
  slug       text primary key,
  number     text not null default '',
  signed_on  date,
  valid_to   date,
  location   text not null default '',
  dpo        text not null default '',
  updated_by text not null,
  updated_at timestamptz not null
);
