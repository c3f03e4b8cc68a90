-- +goose Up

-- How many things were read under each break-glass grant, as its commune counts
-- them: never which.
-- +sportello grant insert, update on access_reads to runtime
create table access_reads (
  request_id uuid primary key,
  slug       text not null,
  n          bigint not null check (n >= 0),
  counted_at timestamptz not null
);
create index access_reads_slug on access_reads (slug);
