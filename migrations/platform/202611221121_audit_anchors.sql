-- +goose Up

-- Heads of the communes' audit chains, kept where no commune's role can reach.
-- The runtime login may add and read; only the owner could change a row, and
-- then the file of anchors outside the database tells.
-- +sportello grant insert on audit_anchors to runtime
create table audit_anchors (
  id      bigint generated always as identity primary key,
  slug    text not null,
  day     date,                       -- the day that ended; null when asked for
  seq     bigint not null,
  lines   bigint not null,
  hash    bytea not null check (length(hash) = 32),
  head_at timestamptz not null,
  at      timestamptz not null default clock_timestamp()
);
create index audit_anchors_slug on audit_anchors (slug, id desc);
create unique index audit_anchors_day on audit_anchors (slug, day) where day is not null;
