-- +goose Up

-- Which of a commune's own domains is its main address, and whether the last
-- check of it was good: only then do links and redirects lead there.
-- +sportello grant insert, update (main, well), delete on hosts to runtime
alter table hosts add column main boolean not null default false;
alter table hosts add column well boolean not null default true;
create unique index hosts_main on hosts (slug) where main;
-- Until now the first one was.
update hosts h set main = true where h.host = (select min(o.host) from hosts o where o.slug = h.slug);

-- A domain that a commune asked for, and what came of it. Several communes may
-- ask for one; whoever proves it first has it (hosts), the others' end as taken.
-- +sportello grant insert, update on domains to runtime
create table domains (
  id            uuid primary key,
  slug          text not null,
  host          text not null check (host = lower(host) and host ~ '^[a-z0-9.-]{4,230}$'),
  token         text not null,
  state         text not null check (state in ('waiting', 'live', 'removed', 'expired', 'taken', 'off')),
  asked_by      text not null,
  asked_at      timestamptz not null,
  expires_at    timestamptz not null,
  proved_at     timestamptz,
  checked_at    timestamptz,
  next_at       timestamptz not null,
  proof         boolean not null default false,
  points        boolean not null default false,
  finding       text not null default '',
  seen          text not null default '',
  failing_since timestamptz,
  warned        integer not null default 0,
  ended_at      timestamptz
);
create unique index domains_current on domains (slug, host) where state in ('waiting', 'live');
create index domains_slug on domains (slug, asked_at desc);
create index domains_due on domains (slug, next_at) where state in ('waiting', 'live');

-- A removed domain is not looked after any more.
-- +sportello grant delete on certificates to runtime
