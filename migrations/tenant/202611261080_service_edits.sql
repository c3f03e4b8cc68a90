-- +goose Up

-- What an administrator has changed of a service and not yet published: one per
-- service. Changes lie over the definition that was in force when it was begun,
-- which is kept beside them to tell what moved meanwhile.
create table service_edits (
  service_id  text primary key references services (id),
  base        jsonb not null,
  changes     jsonb not null,
  revision    bigint not null default 1,
  authors     text[] not null default '{}',
  proposed_by text not null default '',
  note        text not null default '',
  updated_by  text not null default '',
  updated_at  timestamptz not null default now()
);
comment on column service_edits.authors is 'accounts that changed something: none of them may approve where two persons are asked for';
comment on column service_edits.proposed_by is 'who asks a second person to publish; empty while it is still being worked on';

-- How the commune works with its catalogue; one row or none.
create table catalogue_habits (
  one         boolean primary key default true check (one),
  two_persons boolean not null default false,
  changed_by  text not null default '',
  changed_at  timestamptz not null default now()
);
