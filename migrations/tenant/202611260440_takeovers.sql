-- +goose Up

-- What the commune's administrators bring in from another desk: tried first, kept
-- when it went through without a problem. The files go once it is over.
create table takeovers (
  id         uuid primary key,
  desk       text not null,
  state      text not null check (state in ('trying', 'tried', 'keeping', 'kept', 'failed')),
  file_key   text,
  asked_by   text not null,
  asked_at   timestamptz not null,
  changed_at timestamptz not null,
  progress   integer not null default 0,
  report     jsonb not null default '{}'
);
create index takeovers_asked on takeovers (asked_at desc);
