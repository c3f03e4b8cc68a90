-- +goose Up

-- What the entity grants a commune, where it differs from the settings' default.
-- A quota without a number is the default again.
-- +sportello grant insert, update on quotas to runtime
create table quotas (
  slug   text not null,
  kind   text not null check (kind in ('storage', 'mails', 'api')),
  n      bigint check (n >= 0),
  set_by text not null,
  set_at timestamptz not null,
  primary key (slug, kind)
);

-- What each commune used of its quotas when it was last looked at, every few
-- minutes: what the entity's overview and the metrics read.
-- +sportello grant insert, update on quota_use to runtime
create table quota_use (
  slug    text not null,
  kind    text not null check (kind in ('storage', 'mails', 'api')),
  period  text not null,
  used    bigint not null,
  quota   bigint not null,
  waiting bigint not null default 0,
  at      timestamptz not null,
  primary key (slug, kind)
);

-- Calls of the machine interface that were answered, by day in Zurich.
-- +sportello grant insert, update on api_calls to runtime
create table api_calls (
  slug text not null,
  day  date not null,
  n    bigint not null,
  primary key (slug, day)
);
