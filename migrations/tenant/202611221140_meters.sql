-- +goose Up

-- The meters of the cost statement count one day at a time.
create index cases_submitted on cases (submitted_at);
create index documents_issued on documents (issued_at);
create index ledger_entries_paid on ledger_entries (at) where kind = 'payment' and account = 'provider';
create index notifications_sent on notifications (sent_at) where sent_at is not null;
