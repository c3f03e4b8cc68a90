-- +goose Up

-- What waits is counted every few seconds: the few rows of it, not the table.
create index notifications_waiting on notifications (id) where sent_at is null and refused_at is null;
create index outbox_given_up on outbox (gave_up_at) where gave_up_at is not null and done_at is null;

-- +goose Down
drop index notifications_waiting;
drop index outbox_given_up;
