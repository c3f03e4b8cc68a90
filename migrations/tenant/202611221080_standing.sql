-- +goose Up

-- A registration counts only once its own password was given at the mail's
-- link: name and password stay with the link until then. Otherwise whoever
-- registers with somebody else's address would own the account that its owner,
-- or the owner's mail program, confirms.
alter table account_tokens
  add column first_name    text not null default '',
  add column last_name     text not null default '',
  add column password_hash text not null default '';

-- When level or state of an account last changed: open sessions follow.
alter table accounts add column standing_at timestamptz;
create index accounts_standing on accounts (standing_at) where standing_at is not null;

-- Whoever changes roles or standing, also by hand, makes every process read
-- them again within a second.
-- +goose StatementBegin
create function standing_changed() returns trigger language plpgsql set search_path from current as $$
begin
  insert into revisions (topic) values ('roles')
    on conflict (topic) do update set rev = revisions.rev + 1;
  if tg_table_name = 'accounts' then
    new.standing_at := now();
  end if;
  return new;
end
$$;
-- +goose StatementEnd
create trigger accounts_standing before update of level, disabled_at on accounts
  for each row when (old.level is distinct from new.level or old.disabled_at is distinct from new.disabled_at)
  execute function standing_changed();
create trigger role_holders_standing after insert or update or delete on role_holders
  for each statement execute function standing_changed();
