-- +goose Up
-- What a further PostgreSQL cluster needs beside the communes that live there:
-- the same extensions and the same place for their outbox hints as on the
-- cluster that holds the directory (platform/202611221000_directory.sql).
create schema if not exists ext;
create extension if not exists pg_trgm with schema ext;
create extension if not exists unaccent with schema ext;

-- +sportello grant delete on outbox_hints to runtime
-- +sportello grant insert (at) on outbox_hints to communes
create table outbox_hints (
  id     bigint generated always as identity primary key,
  tenant name not null default current_user,
  at     timestamptz not null default clock_timestamp()
);
