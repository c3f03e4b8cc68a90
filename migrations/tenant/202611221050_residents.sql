-- +goose Up

-- The population register of the local provider. A commune that has a register
-- of its own behind another provider leaves it empty.
create table residents (
  avs          text primary key check (avs ~ '^756[0-9]{10}$'),
  first_name   text not null,
  last_name    text not null,
  sex          text not null check (sex in ('f', 'm')),
  born         date not null,
  civil_status text not null default '1',
  nationality  text not null default 'CH',
  origin       text not null default '',
  permit       text not null default '',
  status       text not null default 'domicile' check (status in ('domicile', 'stay', 'departed')),
  street       text not null,
  postcode     text not null,
  town         text not null,
  quarter      text not null default '',
  egid         integer not null default 0,
  ewid         integer not null default 0,
  arrived      date,
  moved_in     date,
  departed     date,
  came_from    text not null default '',
  protected    boolean not null default false,
  blocked      boolean not null default false,
  household    text not null default '',
  relation     text not null default '',
  recorded_at  date not null
);
create index residents_household on residents (household) where household <> '';
comment on column residents.household is 'economia domestica: the same key for those who live together';
comment on column residents.relation is 'to the first person of the household: head, spouse, child, parent, other';
