-- +goose Up

-- Requests that are not yet submitted: at most one of a service and person, so
-- that beginning again resumes it. What is submitted lives on as a case.
create table drafts (
  id              uuid primary key,
  account_id      uuid not null references accounts on delete cascade,
  service_id      text not null,
  service_version integer not null,
  service_hash    text not null,
  answers         jsonb not null default '{}',
  step            text not null default '',
  facts           jsonb not null default '{}',
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  expires_at      timestamptz not null,
  submitted_at    timestamptz
);
create unique index drafts_open on drafts (account_id, service_id) where submitted_at is null;
comment on column drafts.facts is 'what the register said of the person when the draft was begun or resumed';
create index drafts_expiry on drafts (expires_at) where submitted_at is null;

-- Files attached to a draft, then to its case. The bytes lie in the blob store
-- of the commune under blob_key.
create table uploads (
  id           uuid primary key,
  draft_id     uuid,
  case_id      uuid,
  account_id   uuid not null,
  field        text not null default '',
  name         text not null,
  size         bigint not null check (size > 0),
  sha256       bytea not null,
  content_type text not null,
  blob_key     text not null unique,
  scanned      text not null default '',
  created_at   timestamptz not null
);
create index uploads_draft on uploads (draft_id) where draft_id is not null;
create index uploads_case on uploads (case_id) where case_id is not null;
comment on column uploads.scanned is 'which scanner found nothing; empty where none is configured';
