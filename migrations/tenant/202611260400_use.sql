-- +goose Up

-- How much the commune uses now (app/meters). Whoever writes the row that counts
-- adds a change in the same transaction, and every few minutes the changes are
-- added up into the totals. Nobody waits for anybody: changes are only inserted.
-- A level (storage) has the period '', what is counted has its month, '2026-11'.
create table use_totals (
  meter  text not null check (meter ~ '^[a-z][a-z_]{1,30}$'),
  period text not null default '' check (period ~ '^([0-9]{4}-[0-9]{2})?$'),
  n      bigint not null,
  primary key (meter, period)
);
create table use_changes (
  id     bigint generated always as identity primary key,
  meter  text not null check (meter ~ '^[a-z][a-z_]{1,30}$'),
  period text not null default '' check (period ~ '^([0-9]{4}-[0-9]{2})?$'),
  n      bigint not null
);

-- Which values have been counted from their tables once: from then on the changes
-- are all that is missing.
create table use_counted (
  meter  text not null check (meter ~ '^[a-z][a-z_]{1,30}$'),
  period text not null default '' check (period ~ '^([0-9]{4}-[0-9]{2})?$'),
  at     timestamptz not null default now(),
  primary key (meter, period)
);

-- Which administrators' notice has gone out: once per quota, period and threshold.
create table quota_notices (
  kind      text not null check (kind in ('storage', 'mails', 'api')),
  period    text not null check (length(period) between 1 and 20),
  threshold integer not null check (threshold between 1 and 100),
  at        timestamptz not null,
  primary key (kind, period, threshold)
);
