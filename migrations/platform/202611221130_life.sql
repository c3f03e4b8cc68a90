-- +goose Up

-- Writing to a commune stops for a moment while it is moved or restored; all
-- processes hold its writes until this is null again.
alter table communes add column read_only_since timestamptz;

-- When its data came to where it lies now: connections from before are not used.
alter table communes add column placed_at timestamptz not null default now();

-- How its last migration went; the canary is migrated before all others.
alter table communes add column migrated_at timestamptz;
alter table communes add column migration_error text not null default '';
alter table communes add column canary boolean not null default false;
