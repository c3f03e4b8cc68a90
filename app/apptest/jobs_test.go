package apptest_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// A job that took its worker down five times is not begun a sixth time: it fails,
// and the operator reads why; one that was begun four times is begun again.
func TestAJobIsGivenUp(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	opener, err := e.Opener()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[int]uuid.UUID{4: uuid.Must(uuid.NewV7()), 5: uuid.Must(uuid.NewV7())}
	err = e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
		for begun, id := range ids {
			if _, err := tx.Exec(`insert into jobs (id, kind, slug, state, asked_by, heartbeat_at, attempts)
				values ($1, 'unheard-of', $2, 'running', 'test', now() - interval '1 hour', $3)`, id, "job-"+id.String()[:8], begun); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Background(t, opener.Run)
	for begun, want := range map[int]string{4: "unknown kind of job", 5: "given up: begun 5 times"} {
		apptest.Eventually(t, "the job has ended: "+want, func() bool {
			var state, message string
			if err := e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
				return tx.QueryRow("select state, message from jobs where id = $1", ids[begun]).Scan(&state, &message)
			}); err != nil {
				t.Fatal(err)
			}
			return state == "failed" && strings.Contains(message, want)
		})
	}
}
