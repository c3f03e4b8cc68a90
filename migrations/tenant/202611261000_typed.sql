-- +goose Up

-- What stands on the pages of a draft and is not an answer yet, as it was typed:
-- step → input → values.
alter table drafts add column typed jsonb not null default '{}';
comment on column drafts.typed is 'as typed, mistakes included; an answer once it is right';
