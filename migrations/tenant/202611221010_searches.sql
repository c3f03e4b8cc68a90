-- +goose Up

-- Heads of the whole commune list closed cases of all offices, newest first.
create index cases_closed_all on cases (closed_at desc) where closed_at is not null;

-- The desk and the audit are searched by a part of a name.
create index cases_name on cases using gin (applicant_name gin_trgm_ops);
create index audit_actor on audit using gin (actor gin_trgm_ops);
create index audit_action on audit (action text_pattern_ops, id desc);
