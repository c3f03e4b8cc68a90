-- +goose Up

-- Other persons whom a request names and who must confirm it. What they are called
-- and where they are written to stands in the case's answers; here is only whether
-- they have answered. The link's token is kept as its SHA-256.
create table case_confirmations (
  id          uuid primary key,
  case_id     uuid not null references cases on delete cascade,
  item        int not null check (item >= 0),
  state       text not null check (state in ('waiting', 'confirmed', 'refused', 'over')),
  token_hash  bytea not null unique,
  account_id  uuid references accounts,
  asked_at    timestamptz not null,
  expires_at  timestamptz not null,
  reminded_at timestamptz,
  answered_at timestamptz,
  unique (case_id, item)
);
comment on column case_confirmations.item is 'which of the persons in the answer, from 0';
comment on column case_confirmations.account_id is 'who answered';
create index case_confirmations_waiting on case_confirmations (expires_at) where state = 'waiting';

-- A case may wait for such a person before anybody works on it.
alter table cases drop constraint cases_state_check;
alter table cases add constraint cases_state_check check (state in ('awaiting_confirmation', 'queued', 'awaiting_payment', 'issuing', 'received',
  'in_review', 'awaiting_applicant', 'decided', 'completed', 'withdrawn')) not valid;
