-- +goose Up

-- The keys of every commune, wrapped by the master key; '' is the deployment
-- itself. They stand here and not in the commune's schema: a dump or a backup of
-- a commune does not hold what opens it. The runtime login may read them, the
-- owner alone writes them, a commune's role may do neither.
create table keysets (
  slug         text not null,
  purpose      text not null check (purpose in ('data', 'index', 'stream', 'login')),
  wrapped      bytea,
  master       text not null,
  versions     jsonb not null default '[]',
  rev          bigint not null default 1,
  sealed_since timestamptz,
  made_at      timestamptz not null default now(),
  changed_at   timestamptz not null default now(),
  destroyed_at timestamptz,
  primary key (slug, purpose),
  check ((wrapped is null) = (destroyed_at is not null))
);
comment on column keysets.master is 'name of the master key that wrapped it';
comment on column keysets.versions is 'ids of the keys inside, when each was made, which one seals; nothing secret';
comment on column keysets.sealed_since is 'when nothing unsealed was left: from then on an unsealed file is a forged one';

-- Raised with every change, so that each process notices within a second.
create table keysets_revision (
  one boolean primary key default true check (one),
  rev bigint not null default 1
);
insert into keysets_revision default values;

-- +goose StatementBegin
create function raise_keysets_revision() returns trigger language plpgsql
security definer set search_path = platform, pg_temp as $$
begin
  update keysets_revision set rev = rev + 1;
  return null;
end $$;
-- +goose StatementEnd
create trigger keysets_changed after insert or update or delete on keysets
  for each statement execute function raise_keysets_revision();
