-- +goose Up

-- Break-glass: somebody of the shared entity asks to read here, an
-- administrator of the commune grants or refuses. This row is the truth: every
-- request of a guest reads it. Whatever the program does, no grant lasts longer
-- than eight hours.
create table access_grants (
  id            uuid primary key,
  staff_id      uuid not null,
  staff_name    text not null,
  staff_email   text not null,
  reason        text not null check (length(reason) between 3 and 1000),
  wished_scope  text not null check (wished_scope in ('case', 'office', 'configuration')),
  wished_object text not null default '',
  wished_hours  integer not null check (wished_hours between 1 and 8),
  asked_at      timestamptz not null default now(),
  state         text not null default 'asked' check (state in ('asked', 'granted', 'refused', 'revoked', 'ended')),
  scope         text not null default '' check (scope in ('', 'case', 'office', 'configuration')),
  object        text not null default '',
  decided_by    text not null default '',
  decided_at    timestamptz,
  granted_until timestamptz,
  answer        text not null default '',
  closed_by     text not null default '',
  closed_at     timestamptz,
  check (granted_until is null or (decided_at is not null and granted_until > decided_at and granted_until <= decided_at + interval '8 hours')),
  check (state not in ('granted', 'revoked', 'ended') or (granted_until is not null and scope <> '')),
  check ((scope in ('', 'configuration')) = (object = ''))
);
create index access_grants_asked on access_grants (asked_at desc);
create index access_grants_live on access_grants (granted_until) where state = 'granted';

-- "What has this person, or this grant, done": newest first; and the audit in
-- the order of time, page by page.
create index audit_actor_id on audit (actor_id, id desc);
create index audit_when on audit (at desc, id desc);
