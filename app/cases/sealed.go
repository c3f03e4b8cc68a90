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
// the rows people read, in what the register and the rules said, in a decision;
// and in whatever somebody wrote on the way: requests, replies, remarks.
func (s *Service) Sealed() []keys.Work {
	place := func(_ tenancy.Tenant, id string) string { return casePlace(id) }
	return []keys.Work{
		keys.Rows{Table: "cases", ID: "id", Type: "uuid", JSON: []string{"answers", "rows", "subject", "outcome", "decision"}, Place: place},
		keys.Rows{Table: "case_events", ID: "id", Type: "bigint", Text: []string{"text"}, JSON: []string{"params"}, By: "case_id", Fixed: true, Place: place},
		keys.Rows{Table: "case_requests", ID: "id", Type: "uuid", Text: []string{"text", "reply"}, By: "case_id", Place: place},
	}
}

// sealedEvent is the event as the database keeps it.
func sealedEvent(tx *tenancy.Tx, e Event) (Event, error) {
	k, err := tx.Keys()
	if err != nil {
		return e, err
	}
	return e, e.parts(k.SealText, k.SealJSON)
}

// parts lets f and g rewrite what of an event somebody may have written.
func (e *Event) parts(f func(text, place string) (string, error), g func(document []byte, place string) ([]byte, error)) (err error) {
	if e.Text, err = f(e.Text, casePlace(e.CaseID.String())); err != nil {
		return fmt.Errorf("cases: event of case %s: %w", e.CaseID, err)
	}
	return rewrite(e.CaseID, &e.Params, g)
}

// sealedRequest is the request as the database keeps it.
func sealedRequest(tx *tenancy.Tx, r Request) (Request, error) {
	k, err := tx.Keys()
	if err != nil {
		return r, err
	}
	return r, r.parts(k.SealText)
}

// parts lets f rewrite what of a request somebody wrote.
func (r *Request) parts(f func(text, place string) (string, error)) error {
	place := casePlace(r.CaseID.String())
	text, err := f(r.Text, place)
	reply, other := f(r.Reply, place)
	if err = errors.Join(err, other); err != nil {
		return fmt.Errorf("cases: request of case %s: %w", r.CaseID, err)
	}
	r.Text, r.Reply = text, reply
	return nil
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
