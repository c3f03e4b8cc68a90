-- +goose Up
-- How many open drafts of a service have answered a field is asked whenever a
-- field would go: by the service, not by going through all drafts.
create index drafts_of_service on drafts (service_id) where submitted_at is null;
