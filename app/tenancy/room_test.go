package tenancy_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// raise lets the server refuse with a code of its own.
func raise(code string) string {
	return "do $$ begin raise exception 'no' using errcode = '" + code + "'; end $$"
}

// TestAServerWithoutRoomAsksToComeBack: a full disk is no fault of the request,
// and the process can say so of itself. ops/chaos fills a real one.
func TestAServerWithoutRoomAsksToComeBack(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	refused := func(code string) error {
		return e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error { _, err := tx.Exec(raise(code)); return err })
	}
	// Another refusal is told as before.
	var p *problem.Error
	if err := refused("23505"); errors.As(err, &p) || e.DB.NoRoom() {
		t.Errorf("a duplicate row is told as %v", err)
	}
	err := refused("53100")
	var pg *pgconn.PgError
	if !errors.As(err, &p) || p.Status() != http.StatusServiceUnavailable || p.RetryAfter == 0 || !errors.As(err, &pg) || !e.DB.NoRoom() {
		t.Errorf("a full disk is told as %v", err)
	}
	if err := refused("57P01"); !errors.As(err, &p) || p.Status() != http.StatusServiceUnavailable {
		t.Errorf("a server that stops is told as %v", err)
	}
	// Whoever has said already what people read is not interrupted.
	mine := problem.Conflict("test.mine", "errors.409.text")
	if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error { _, err := tx.Exec(raise("53100")); return mine.Wrap(err) }); !errors.Is(err, mine) {
		t.Errorf("a problem became %v", err)
	}
	if err := e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error { _, err := tx.Exec(raise("53100")); return err }); !errors.As(err, &p) || p.Code != "tenancy.no-room" {
		t.Errorf("on the platform: %v", err)
	}
}
