-- +goose Up

-- Versions of the shared catalogue that turned out wrong. A version is never
-- deleted nor put back: what mends it is the next one.
-- +sportello grant insert on shared_withdrawals to runtime
create table shared_withdrawals (
  service_id   text not null,
  version      integer not null,
  why          text not null,
  withdrawn_by text not null,
  withdrawn_at timestamptz not null,
  primary key (service_id, version),
  foreign key (service_id, version) references shared_services
);
