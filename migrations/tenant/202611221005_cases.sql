-- +goose Up

-- Services as they were when a case was made. Many cases share one.
-- +sportello insert-only case_definitions
create table case_definitions (
  hash       text primary key,
  service_id text not null,
  definition jsonb not null,
  kept_at    timestamptz not null default now()
);

-- Everything a person sends becomes a case, kept with the form and the rules
-- it was made under. What is paid, what is decided and where the work stands
-- are three facets, never one status.
create table cases (
  id              uuid primary key,
  ref             text not null unique,
  draft_id        uuid unique,
  service_id      text not null,
  service_version integer not null,
  definition_hash text not null references case_definitions,
  service_title   jsonb not null,
  service_kind    text not null check (service_kind in ('smart', 'traditional')),
  office          text not null,
  applicant_id    uuid not null references accounts,
  applicant_name  text not null,
  lang            text not null default 'it',
  answers         jsonb not null,
  rows            jsonb not null,
  outcome         jsonb not null,
  state           text not null check (state in ('awaiting_payment', 'issuing', 'received', 'in_review',
                    'awaiting_applicant', 'decided', 'completed', 'withdrawn')),
  ruling          text not null default '' check (ruling in ('', 'granted', 'refused')),
  payment         text not null default 'none' check (payment in ('none', 'due', 'paid')),
  fee             bigint not null default 0 check (fee >= 0),
  fee_lines       jsonb not null default '[]',
  fee_demo        boolean not null default false,
  decision        jsonb not null default '{}',
  subject         jsonb,
  note            text not null default '',
  assignee_id     uuid references accounts,
  assignee_name   text not null default '',
  due_on          date,
  paused_at       timestamptz,
  submitted_at    timestamptz not null,
  decided_at      timestamptz,
  closed_at       timestamptz,
  updated_at      timestamptz not null
);
create index cases_desk on cases (office, due_on, id) where closed_at is null;
create index cases_closed on cases (office, closed_at desc) where closed_at is not null;
create index cases_applicant on cases (applicant_id, submitted_at desc);

-- The one history that both sides see, each in their own words.
-- +sportello insert-only case_events
create table case_events (
  id       bigint generated always as identity primary key,
  case_id  uuid not null references cases on delete cascade,
  at       timestamptz not null,
  kind     text not null,
  actor    text not null default '',
  official boolean not null default false,
  internal boolean not null default false,
  text     text not null default '',
  params   jsonb not null default '{}'
);
create index case_events_case on case_events (case_id, id desc);

-- A paper the office asks for; the term stands still until it is answered.
create table case_requests (
  id          uuid primary key,
  case_id     uuid not null references cases on delete cascade,
  text        text not null,
  asked_by    text not null,
  asked_at    timestamptz not null,
  reply       text not null default '',
  answered_at timestamptz
);
create index case_requests_case on case_requests (case_id, asked_at desc);
create unique index case_requests_open on case_requests (case_id) where answered_at is null;

-- Numbers of decisions, counted by year.
create table case_numbers (
  year integer primary key,
  last bigint not null
);
