package cases

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// casePlace is what the sealed texts of a case are bound to.
func casePlace(id string) string { return "cases/" + id }

// Sealed are the AVS numbers in cases, for backfill and rotation: in answers, in
// the rows people read, in what the register and the rules said, in a decision.
func (s *Service) Sealed() []keys.Work {
	return []keys.Work{keys.Rows{Table: "cases", ID: "id", Type: "uuid", JSON: []string{"answers", "rows", "subject", "outcome", "decision"},
		Place: func(_ tenancy.Tenant, id string) string { return casePlace(id) }}}
}

// sealed is the case as the database keeps it: c itself stays readable.
func sealed(tx *tenancy.Tx, c Case) (Case, error) {
	k, err := tx.Keys()
	if err != nil {
		return c, err
	}
	return c, c.parts(k.SealJSON)
}

// unseal makes what was read from the database readable.
func unseal(tx *tenancy.Tx, c *Case) error {
	k, err := tx.Keys()
	if err != nil {
		return err
	}
	return c.parts(k.OpenJSON)
}

// parts lets f rewrite whatever of a case may hold an AVS number.
func (c *Case) parts(f func(document []byte, place string) ([]byte, error)) error {
	return errors.Join(rewrite(c.ID, &c.Answers, f), rewrite(c.ID, &c.Rows, f), rewrite(c.ID, &c.Outcome, f),
		rewrite(c.ID, &c.Subject, f), rewrite(c.ID, &c.Decision, f))
}

// rewrite replaces a part by a new one, and touches nothing that it shares.
func rewrite[T any](id uuid.UUID, part *T, f func([]byte, string) ([]byte, error)) error {
	before, err := json.Marshal(*part)
	if err != nil {
		return err
	}
	after, err := f(before, casePlace(id.String()))
	if err != nil {
		return fmt.Errorf("cases: case %s: %w", id, err)
	}
	if bytes.Equal(before, after) {
		return nil
	}
	var fresh T
	if err := json.Unmarshal(after, &fresh); err != nil {
		return err
	}
	*part = fresh
	return nil
}
