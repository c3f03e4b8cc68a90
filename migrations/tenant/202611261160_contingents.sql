-- +goose Up

-- Places and credits that run out. How much a pot holds stands in the service's
-- definition; here is what is taken of it. One row is locked by whoever takes or
-- gives back, so that the last place is given once.
create table contingent_pots (
  service_id text not null,
  pot        text not null,
  period     text not null,
  used       bigint not null default 0 check (used >= 0),
  waiting    bigint not null default 0 check (waiting >= 0),
  primary key (service_id, pot, period)
);
comment on column contingent_pots.used is 'places, or centimes of a credit';
comment on column contingent_pots.period is '2026, 2026-12, 2026-12-24; empty: for good';

-- What one case holds, or waits for in the order of place.
create table contingent_claims (
  case_id     uuid primary key references cases,
  service_id  text not null,
  pot         text not null,
  period      text not null,
  units       bigint not null check (units >= 0),
  state       text not null check (state in ('held', 'waiting', 'released')),
  place       bigint generated always as identity,
  asked_at    timestamptz not null,
  held_at     timestamptz,
  released_at timestamptz
);
create index contingent_claims_queue on contingent_claims (service_id, pot, period, place) where state = 'waiting';

-- A case may wait for a place before anybody works on it. The longer list holds
-- for every row there is.
alter table cases drop constraint cases_state_check;
alter table cases add constraint cases_state_check check (state in ('queued', 'awaiting_payment', 'issuing', 'received',
  'in_review', 'awaiting_applicant', 'decided', 'completed', 'withdrawn')) not valid;
