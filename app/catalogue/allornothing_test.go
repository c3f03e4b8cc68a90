package catalogue

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// breaker makes the n-th write of a commune's or the platform's tables fail, as if
// the process were killed there: what was written before it must be gone as well.
type breaker struct {
	t     *testing.T
	owner *pgx.Conn
}

func newBreaker(t *testing.T, s shelf) breaker {
	t.Helper()
	owner, err := pgx.Connect(t.Context(), s.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.WithoutCancel(t.Context())) })
	b := breaker{t, owner}
	b.exec(`create schema breaker;
		create sequence breaker.writes; -- no rollback takes a number back
		create table breaker.at (n bigint not null);
		insert into breaker.at values (0);
		create function breaker.trip() returns trigger language plpgsql security definer as $$
		begin
			if nextval('breaker.writes') = (select n from breaker.at) then raise exception 'killed here'; end if;
			return null;
		end $$;
		do $$ declare r record; begin
			for r in select c.oid::regclass as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
				where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'breaker') loop
				execute format('create trigger trip before insert or update or delete on %s for each statement execute function breaker.trip()', r.name);
			end loop;
		end $$;`)
	return b
}

func (b breaker) exec(sql string) {
	b.t.Helper()
	if _, err := b.owner.Exec(b.t.Context(), sql); err != nil {
		b.t.Fatal(err)
	}
}

// at lets the n-th write from now on fail; 0: none.
func (b breaker) at(n int) {
	b.t.Helper()
	b.exec(fmt.Sprintf("alter sequence breaker.writes restart with 1; update breaker.at set n = %d", n))
}

// everything is all that accepting, undoing, publishing and withdrawing may write.
func (s shelf) everything(t *testing.T) (out string) {
	t.Helper()
	read := func(of interface {
		QueryRow(string, ...any) pgx.Row
	}, sql string) {
		var text string
		if err := of.QueryRow(sql).Scan(&text); err != nil {
			t.Fatal(err)
		}
		out += text + "\n"
	}
	if err := s.DB.Read(t.Context(), s.Lugano, func(tx *tenancy.Tx) error {
		for _, table := range []string{"services", "service_steps", "service_versions", "audit", "outbox"} {
			read(tx, "select coalesce(jsonb_agg(to_jsonb(x) order by to_jsonb(x)::text)::text, '') from "+table+" x")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
		for _, table := range []string{"shared_services", "shared_withdrawals"} {
			read(tx, "select coalesce(jsonb_agg(to_jsonb(x) order by to_jsonb(x)::text)::text, '') from "+table+" x")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// Killed at any write, publishing, accepting, undoing and withdrawing have happened
// wholly or not at all; done again they succeed.
func TestKilledAnywhereItIsAllOrNothing(t *testing.T) {
	s := newShelf(t)
	ctx, by := t.Context(), admin(s.Lugano)
	b := newBreaker(t, s)
	_, newest, err := s.module.SharedTree(ctx, blue, 0)
	if err != nil {
		t.Fatal(err)
	}
	version := int(newest["version"].(float64)) + 1
	for _, step := range []struct {
		name  string
		least int // writes without which it would not have happened
		do    func() error
	}{
		{"publish", 3, func() error {
			_, err := s.module.Publish(ctx, s.entity, []Candidate{{Tree: newest.With(17.0, "minutes"), Why: "Minuti.", Size: Large, NextVersion: true}})
			return err
		}},
		{"accept", 5, func() error {
			u, err := s.module.Update(ctx, by, blue)
			if err != nil {
				return err
			}
			return s.module.Accept(ctx, by, blue, Decision{State: u.State})
		}},
		{"undo", 4, func() error {
			u, err := s.module.LookAtUndo(ctx, by, blue)
			if err != nil {
				return err
			}
			return s.module.Undo(ctx, by, blue, u.State, false)
		}},
		{"withdraw", 3, func() error { return s.module.Withdraw(ctx, s.entity, blue, version, "Sbagliata.") }},
	} {
		before := s.everything(t)
		n := 1
		for ; ; n++ {
			b.at(n)
			if err := step.do(); err == nil {
				break
			}
			b.at(0)
			if after := s.everything(t); after != before {
				t.Fatalf("%s, killed at write %d: half of it is there:\n%s\n%s", step.name, n, before, after)
			}
			if n > 50 {
				t.Fatalf("%s never succeeds", step.name)
			}
		}
		b.at(0)
		if n-1 < step.least {
			t.Errorf("%s was killed at %d writes only", step.name, n-1)
		}
		if s.everything(t) == before {
			t.Errorf("%s succeeded and changed nothing", step.name)
		}
	}
}
