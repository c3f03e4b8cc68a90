-- +goose Up

-- When each regular job last began here: several workers take turns, and a
-- Redis that forgets makes none of them run twice.
create table tick_runs (
  name     text primary key,
  began_at timestamptz not null
);
