-- +goose Up

-- The last day of what a case granted, and the day on which the person is
-- reminded of it; null once that is done.
alter table cases add column ends_on date, add column remind_on date;
create index cases_remind on cases (remind_on) where remind_on is not null;
