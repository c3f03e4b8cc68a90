-- +goose Up

-- When a commune was last looked at: a look stands for the time since then, so
-- that minutes are not counted short while looks are slow.
-- +sportello grant insert, update, delete on status_looks to runtime
create table status_looks (
  slug text primary key,
  at   timestamptz not null
);
