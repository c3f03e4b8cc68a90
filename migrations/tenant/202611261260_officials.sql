-- +goose Up

-- What an invited member of the commune's staff will be: the roles begin when
-- the link is used, not before, for until then nobody has proved the address.
alter table account_tokens add column holdings jsonb not null default '[]';
