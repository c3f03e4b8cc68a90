-- +goose Up

-- Errands of the platform that were done here (platform.errands): written in the
-- transaction that does one, so that no crash does it twice.
create table errands_done (
  id uuid primary key,
  at timestamptz not null default now()
);
create index errands_done_at on errands_done (at);
