-- +goose Up

-- What somebody answered in a request that was submitted, by what it means, to
-- be offered in the next one. One row of each meaning and person; forgotten when
-- the person says so or after a year.
create table kept_answers (
  id          uuid primary key,
  account_id  uuid not null references accounts on delete cascade,
  meaning     text not null,
  kind        text not null,
  value       jsonb not null,
  answered_at timestamptz not null,
  expires_at  timestamptz not null,
  unique (account_id, meaning)
);
create index kept_answers_expiry on kept_answers (expires_at);
comment on column kept_answers.id is 'made of account and meaning, so that a newer answer replaces the older';
