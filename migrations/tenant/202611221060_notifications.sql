-- +goose Up

-- One line per mail to a person: what kind, to whom, and what became of it.
-- The words are not kept: they say no more than the link they carry.
create table notifications (
  id         bigint generated always as identity primary key,
  key        text not null unique,
  template   text not null,
  recipient  text not null,
  lang       text not null,
  created_at timestamptz not null default now(),
  sent_at    timestamptz,
  refused_at timestamptz,
  message_id text not null default '',
  error      text not null default ''
);
create index notifications_recipient on notifications (recipient, id desc);
