-- +goose Up

-- What a transaction of the platform has a commune do: a mail of the service
-- desk, a line on the commune's audit. Written with what causes it, carried over
-- by the workers, deleted when the commune has done it.
-- +sportello grant insert, update (run_after, attempts, last_error), delete on errands to runtime
create table errands (
  id         uuid primary key,
  slug       text not null,
  kind       text not null,
  payload    jsonb not null,
  created_at timestamptz not null default now(),
  run_after  timestamptz not null default now(),
  attempts   integer not null default 0,
  last_error text not null default ''
);
create index errands_due on errands (run_after, id);
