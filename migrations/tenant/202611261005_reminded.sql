-- +goose Up

-- When the person was told that the draft is about to expire; asked again once
-- the draft was touched since.
alter table drafts add column reminded_at timestamptz;
