-- +goose Up

-- Who may do what on the directory's tables. Later migrations say it beside
-- the table they create.
-- +sportello grant insert, update on staff to runtime
-- +sportello grant insert, update on jobs to runtime
-- +sportello grant update (state, state_reason, updated_at) on communes to runtime
-- +sportello grant delete on outbox_hints to runtime
-- +sportello grant insert on audit to runtime
-- +sportello grant insert (at) on outbox_hints to communes
select 1;
