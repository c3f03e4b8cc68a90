package audit_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

func chainAll(t *testing.T, e *tenancytest.Env) {
	t.Helper()
	for {
		n := 0
		if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) (err error) {
			n, err = audit.Chain(tx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func verify(t *testing.T, e *tenancytest.Env) (int64, *audit.Broken) {
	t.Helper()
	var n int64
	var broken *audit.Broken
	if err := e.DB.Read(t.Context(), e.Lugano, func(tx *tenancy.Tx) (err error) {
		n, broken, err = audit.Verify(tx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n, broken
}

func record(t *testing.T, e *tenancytest.Env, lines int) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range lines / 4 {
				if err := e.DB.In(context.Background(), e.Lugano, func(tx *tenancy.Tx) error {
					return audit.Record(tx, identity.System(e.Lugano), "test.did", fmt.Sprintf("thing:%d", w*100+i), map[string]any{"n": i, "who": "più di «uno»"})
				}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
}

// Whoever edits, drops or moves a line is found, even with the owner's rights.
func TestTheChainShowsEveryChange(t *testing.T) {
	for name, tamper := range map[string]string{
		"edited":    "update t_lugano.audit set actor = 'somebody else' where id = 7",
		"details":   `update t_lugano.audit set details = '{"n":99}' where id = 9`,
		"dropped":   "delete from t_lugano.audit where id = 11",
		"moved":     "update t_lugano.audit_chain set audit_id = case audit_id when 4 then -4 when 5 then -5 end where audit_id in (4, 5); update t_lugano.audit_chain set audit_id = case audit_id when -4 then 5 else 4 end where audit_id < 0",
		"link gone": "delete from t_lugano.audit_chain where seq = 6",
	} {
		t.Run(name, func(t *testing.T) {
			e := tenancytest.New(t)
			record(t, e, 40)
			chainAll(t, e)
			if n, broken := verify(t, e); n != 40 || broken != nil {
				t.Fatalf("%d links hold, broken %+v", n, broken)
			}
			owner, err := pgx.Connect(t.Context(), e.OwnerURL)
			if err != nil {
				t.Fatal(err)
			}
			defer owner.Close(context.Background())
			if _, err := owner.Exec(t.Context(), tamper); err != nil {
				t.Fatal(err)
			}
			if _, broken := verify(t, e); broken == nil {
				t.Fatal("the chain still holds")
			} else {
				t.Logf("found at link %d: %s", broken.Seq, broken.Why)
			}
		})
	}
}

func TestLinesOfARolledBackTransactionLeaveNoTraceAndNoGap(t *testing.T) {
	e := tenancytest.New(t)
	_ = e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		if err := audit.Record(tx, identity.System(e.Lugano), "test.undone", "thing", nil); err != nil {
			return err
		}
		return context.Canceled
	})
	record(t, e, 8)
	chainAll(t, e)
	if n, broken := verify(t, e); n != 8 || broken != nil {
		t.Fatalf("%d links hold, broken %+v", n, broken)
	}
	var lines []audit.Line
	if err := e.DB.Read(t.Context(), e.Lugano, func(tx *tenancy.Tx) (err error) {
		lines, err = audit.Search(tx, audit.Filter{Action: "test.", Limit: 3})
		return err
	}); err != nil || len(lines) != 3 || lines[0].ID < lines[2].ID {
		t.Fatalf("%v %v", lines, err)
	}
	if err := e.DB.Read(t.Context(), e.Chiasso, func(tx *tenancy.Tx) (err error) {
		lines, err = audit.Search(tx, audit.Filter{})
		return err
	}); err != nil || len(lines) != 0 {
		t.Fatalf("the neighbour's audit holds %v %v", lines, err)
	}
}
