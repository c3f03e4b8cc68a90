-- +goose Up

-- What the public status page of a commune remembers, written once a minute by
-- the workers. It lies here because it must be known while the commune's own
-- cluster is away. "seen" counts the minutes in which anybody looked at all.
-- +sportello grant insert, update, delete on status_days to runtime
create table status_days (
  slug    text not null,
  day     date not null,
  part    text not null check (part in ('seen', 'desk', 'sign-in', 'cases', 'payments', 'mails')),
  down    integer not null default 0,
  late    integer not null default 0,
  primary key (slug, day, part)
);

-- When a part of a desk did not work.
-- +sportello grant insert, update (ended_at), delete on status_incidents to runtime
create table status_incidents (
  slug     text not null,
  part     text not null check (part in ('desk', 'sign-in', 'cases', 'payments', 'mails')),
  began_at timestamptz not null,
  ended_at timestamptz,
  primary key (slug, part, began_at)
);
create unique index status_incidents_open on status_incidents (slug, part) where ended_at is null;

-- Whose turn it was to look at a commune: as tick_runs, but known while the
-- commune is away.
-- +sportello grant insert, update on watch_runs to runtime
create table watch_runs (
  name     text not null,
  slug     text not null,
  began_at timestamptz not null,
  primary key (name, slug)
);
