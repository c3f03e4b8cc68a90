-- +goose Up

-- How often a worker has begun a job. One that takes its worker down each time
-- would otherwise be begun for ever.
alter table jobs add column attempts integer not null default 0;
