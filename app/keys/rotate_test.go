package keys_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

// A rotation that is killed after any of its steps goes on where it was, and makes
// no second key.
func TestRotationGoesOnWhereItWasKilled(t *testing.T) {
	e := tenancytest.New(t)
	k := of(t, e.Keys, e.Lugano)
	sealed, err := k.Seal([]byte("secret"), "payments/lugano/postfinance")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("insert into payment_accounts values ('postfinance', 1, 1, $1, now())", sealed)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	first, _ := k.Primary()
	work := keys.Rows{Table: "payment_accounts", ID: "provider", Type: "text", Bytes: []string{"secret"},
		Place: func(t tenancy.Tenant, id string) string { return "payments/" + t.Slug() + "/" + id }}
	r := &keys.Rotator{Owner: e.KeysOwner, DB: e.DB, Ring: e.Keys, Works: []keys.Work{work}, Settle: 1200 * time.Millisecond}
	versions := func() int {
		t.Helper()
		all, err := e.KeysOwner.Status(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if s.Slug == "lugano" {
				if s.Waiting {
					return s.Older + 2
				}
				return s.Older + 1
			}
		}
		return 0
	}
	// killed runs the rotation until it says a word, and kills it there.
	killed := func(at string) {
		t.Helper()
		ctx, kill := context.WithCancel(t.Context())
		defer kill()
		r.Say = func(said string) {
			if strings.Contains(said, at) {
				kill()
			}
		}
		if err := r.Rotate(ctx, e.Lugano); !errors.Is(err, context.Canceled) {
			t.Fatalf("not killed: %v", err)
		}
		r.Say = nil
	}
	// Killed while everybody learns the new key.
	killed("new stream key")
	if now, _ := k.Primary(); now != first || versions() != 2 {
		t.Fatalf("the new key seals before everybody knows it (%d keys)", versions())
	}
	// Killed once it seals, with everything still under the old one.
	killed("the new keys seal")
	if left, err := r.Left(t.Context(), e.Lugano); err != nil || left.Old != 1 {
		t.Fatalf("%+v, %v", left, err)
	}
	if err := r.Rotate(t.Context(), e.Lugano); err != nil {
		t.Fatal(err)
	}
	left, err := r.Left(t.Context(), e.Lugano)
	if now, _ := k.Primary(); err != nil || left.Left() != 0 || left.Sealed != 1 || versions() != 2 || now == first {
		t.Errorf("%+v, %d keys, %v", left, versions(), err)
	}
	if plain, err := k.Open(sealed, "payments/lugano/postfinance"); err != nil || string(plain) != "secret" {
		t.Errorf("what the first key sealed: %v", err)
	}
}
