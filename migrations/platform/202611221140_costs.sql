-- +goose Up

-- What each commune used on each day: counts and bytes, never contents. A day
-- is read once, after it has ended, and stays: a statement of last year does
-- not depend on what a commune has deleted since, or on whether it still exists.
-- +sportello grant insert on readings to runtime
create table readings (
  slug    text not null,
  day     date not null,
  meter   text not null check (meter ~ '^[a-z][a-z_]{1,30}$'),
  value   bigint not null check (value >= 0),
  read_at timestamptz not null default now(),
  primary key (slug, day, meter)
);
create index readings_day on readings (day, meter);

-- How the communes share the costs from a month on. Nothing is changed: a new
-- agreement is a new row. The three parts are per mille and add up to 1000.
-- +sportello grant insert on cost_keys to runtime
create table cost_keys (
  id          uuid primary key,
  valid_from  date not null check (extract(day from valid_from) = 1),
  total       bigint not null check (total between 0 and 99999999999),
  fixed       integer not null check (fixed between 0 and 1000),
  inhabitants integer not null check (inhabitants between 0 and 1000),
  use         integer not null check (use between 0 and 1000),
  weights     jsonb not null,
  reason      text not null,
  decided_by  text not null,
  decided_at  timestamptz not null default now(),
  check (fixed + inhabitants + use = 1000)
);
create index cost_keys_valid on cost_keys (valid_from desc, decided_at desc);

-- A closed month, and what each commune owes for it. A correction is a new
-- version; the older ones stay readable.
-- +sportello grant insert on cost_statements to runtime
create table cost_statements (
  id        uuid primary key,
  month     date not null check (extract(day from month) = 1),
  version   integer not null check (version > 0),
  key_id    uuid not null references cost_keys,
  total     bigint not null check (total >= 0),
  reason    text not null default '',
  closed_by text not null,
  closed_at timestamptz not null,
  unique (month, version)
);

-- +sportello grant insert on cost_lines to runtime
create table cost_lines (
  statement_id   uuid not null references cost_statements,
  slug           text not null,
  name           text not null,
  inhabitants    integer not null check (inhabitants >= 0),
  fixed          bigint not null check (fixed >= 0),
  by_inhabitants bigint not null check (by_inhabitants >= 0),
  by_use         bigint not null check (by_use >= 0),
  amount         bigint not null check (amount = fixed + by_inhabitants + by_use),
  used           jsonb not null,
  primary key (statement_id, slug)
);
