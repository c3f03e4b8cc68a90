-- +goose Up

-- What people looked for and did not find, as they reported it: words and counts,
-- never who.
create table missing_words (
  words    text primary key check (length(words) between 3 and 60),
  lang     text not null,
  times    integer not null default 1 check (times > 0),
  first_on date not null default current_date,
  last_on  date not null
);
create index missing_words_often on missing_words (times desc, last_on desc, words);

-- How services did in the last 90 days. A service with few cases has counts and
-- no time: a single case must not be read out of a figure.
create table service_figures (
  service_id   text primary key,
  asked        integer not null check (asked >= 0),
  answered     integer not null check (answered >= 0),
  median_days  integer,
  median_hours integer,
  reckoned_at  timestamptz not null
);
comment on column service_figures.asked is 'cases submitted in the last 90 days';
comment on column service_figures.median_days is 'working days from submission to answer; null with fewer than five answers';

-- The figures look at one quarter of the cases, whatever their number; those
-- submitted are found by cases_submitted.
create index cases_answered on cases (coalesce(decided_at, closed_at)) include (service_id, submitted_at)
  where coalesce(decided_at, closed_at) is not null and state <> 'withdrawn';
