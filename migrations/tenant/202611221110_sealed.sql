-- +goose Up

-- AVS numbers of accounts, sealed under the commune's key and found by a keyed
-- hash. A table of its own: whoever reads accounts does not read numbers.
-- accounts.avs is emptied by the backfill and dropped in a later release.
create table account_avs (
  account_id uuid primary key references accounts on delete cascade,
  avs_index  bytea not null unique,
  avs_sealed bytea not null
);

-- The same for residents. The number was the primary key; it keeps a unique index
-- while the release before may still import by it. Dropped in a later release: avs.
alter table residents
  drop constraint residents_pkey,
  alter column avs drop not null,
  add column id uuid not null default gen_random_uuid() primary key,
  add column avs_index bytea,
  add column avs_sealed bytea,
  add constraint residents_number check (avs is not null or (avs_index is not null and avs_sealed is not null));
create unique index residents_avs on residents (avs);
create unique index residents_avs_index on residents (avs_index);
