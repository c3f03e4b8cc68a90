-- +goose Up

-- Each commune is its own merchant. The secret is sealed with the master key
-- for this very commune and provider.
create table payment_accounts (
  provider   text primary key,
  space_id   bigint not null,
  user_id    bigint not null,
  secret     bytea not null,
  updated_at timestamptz not null
);

-- One row per transaction at a provider. A case may have several for the same
-- purpose, one after the other; only one of them is alive at a time.
create table payments (
  id             uuid primary key,
  case_id        uuid not null,
  case_ref       text not null,
  payer_id       uuid not null,
  purpose        text not null,
  title          text not null,
  lang           text not null default 'it',
  attempt        integer not null,
  amount         bigint not null check (amount > 0),
  lines          jsonb not null,
  state          text not null check (state in ('starting', 'open', 'processing', 'fulfilled', 'failed', 'overpaid', 'refunded')),
  provider       text not null,
  provider_ref   text not null default '',
  provider_state text not null default '',
  method         text not null default '',
  refund_ref     text not null default '',
  return_path    text not null,
  retry_path     text not null,
  claimed_until  timestamptz not null default '-infinity',
  created_at     timestamptz not null,
  checked_at     timestamptz not null,
  returned_at    timestamptz,
  closed_at      timestamptz,
  unique (case_id, purpose, attempt)
);
create unique index payments_alive on payments (case_id, purpose) where state in ('starting', 'open', 'processing');
create unique index payments_once on payments (case_id, purpose) where state = 'fulfilled';
create unique index payments_ref on payments (provider, provider_ref) where provider_ref <> '';
create index payments_payer on payments (payer_id, created_at desc);
create index payments_open on payments (checked_at) where state in ('starting', 'open', 'processing');

-- Double entry: what one account gains another gives. Amounts in centimes,
-- positive is debit. Nothing is ever changed or taken out; a posting exists once.
-- +sportello insert-only ledger_entries
create table ledger_entries (
  id         bigint generated always as identity primary key,
  payment_id uuid not null references payments,
  kind       text not null check (kind in ('payment', 'correction', 'refund')),
  account    text not null check (account in ('provider', 'fees', 'owed')),
  amount     bigint not null check (amount <> 0),
  at         timestamptz not null,
  unique (payment_id, kind, account)
);

-- +goose StatementBegin
create function ledger_balanced() returns trigger language plpgsql as $$
begin
  if (select sum(amount) from ledger_entries where payment_id = new.payment_id and kind = new.kind) <> 0 then
    raise exception 'ledger: the % of payment % does not balance', new.kind, new.payment_id using errcode = 'check_violation';
  end if;
  return null;
end
$$;
-- +goose StatementEnd
create constraint trigger ledger_balanced after insert on ledger_entries
  deferrable initially deferred for each row execute function ledger_balanced();

-- Webhooks that came from a provider, for the clerk who wonders. Forged ones
-- are counted, not kept.
-- +sportello insert-only webhook_deliveries
create table webhook_deliveries (
  id       bigint generated always as identity primary key,
  at       timestamptz not null,
  provider text not null,
  event    text not null,
  ref      text not null,
  claimed  text not null,
  outcome  text not null check (outcome in ('applied', 'unchanged', 'unknown'))
);
create index webhook_deliveries_ref on webhook_deliveries (provider, ref);
