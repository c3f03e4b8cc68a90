-- +goose Up

-- The relay looks at the oldest few open jobs of each kind, so that a commune
-- with thousands of one kind neither waits for itself nor holds up the others.
create index outbox_due on outbox (kind, run_after, id) where done_at is null and gave_up_at is null;
drop index outbox_open;
