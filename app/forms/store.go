package forms

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

const draftColumns = `id, account_id, service_id, service_version, service_hash, answers, facts, typed, step, created_at, updated_at, expires_at`

func scanDraft(scan func(...any) error) (Draft, error) {
	var d Draft
	err := scan(&d.ID, &d.AccountID, &d.ServiceID, &d.ServiceVersion, &d.ServiceHash, &d.raw, &d.rawFacts, &d.rawTyped, &d.Step, &d.CreatedAt, &d.UpdatedAt, &d.ExpiresAt)
	return d, err
}

// insertDraft keeps a new draft; false when the person has one of the service
// already.
func insertDraft(tx *tenancy.Tx, d Draft) (bool, error) {
	answers, facts, typed, err := d.marshal(tx)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`insert into drafts (`+draftColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict (account_id, service_id) where submitted_at is null do nothing`,
		d.ID, d.AccountID, d.ServiceID, d.ServiceVersion, d.ServiceHash, answers, facts, typed, d.Step, d.CreatedAt, d.UpdatedAt, d.ExpiresAt)
	if err != nil {
		return false, fmt.Errorf("forms: %w", err)
	}
	return n == 1, nil
}

// updateDraft keeps answers, facts and step, and moves the expiry.
func updateDraft(tx *tenancy.Tx, d Draft) error {
	answers, facts, typed, err := d.marshal(tx)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`update drafts set service_version = $2, service_hash = $3, answers = $4, facts = $5, typed = $6, step = $7, updated_at = $8, expires_at = $9
		where id = $1 and submitted_at is null`,
		d.ID, d.ServiceVersion, d.ServiceHash, answers, facts, typed, d.Step, d.UpdatedAt, d.ExpiresAt)
	if err != nil {
		return fmt.Errorf("forms: %w", err)
	}
	if n == 0 {
		return ErrNoDraft
	}
	return nil
}

// draftPlace is what the sealed answers of a draft are bound to.
func draftPlace(id string) string { return "drafts/" + id }

// unseal opens the answers, facts and typed values as they were read.
func (d *Draft) unseal(k tenancy.Keys) error {
	for _, part := range []*[]byte{&d.raw, &d.rawFacts, &d.rawTyped} {
		open, err := k.OpenJSON(*part, draftPlace(d.ID.String()))
		if err != nil {
			return fmt.Errorf("forms: draft %s: %w", d.ID, err)
		}
		*part = open
	}
	if err := json.Unmarshal(d.rawFacts, &d.Facts); err != nil {
		return fmt.Errorf("forms: draft %s: %w", d.ID, err)
	}
	if err := json.Unmarshal(d.rawTyped, &d.Typed); err != nil {
		return fmt.Errorf("forms: draft %s: %w", d.ID, err)
	}
	return nil
}

// marshal writes answers, facts and typed values for the database, AVS numbers
// sealed.
func (d Draft) marshal(tx *tenancy.Tx) (answers, facts, typed string, err error) {
	k, err := tx.Keys()
	if err != nil {
		return "", "", "", fmt.Errorf("forms: %w", err)
	}
	write := func(part any) string {
		var data []byte
		if err == nil {
			data, err = json.Marshal(part)
		}
		if err == nil {
			data, err = k.SealJSON(data, draftPlace(d.ID.String()))
		}
		return string(data)
	}
	if d.Typed == nil {
		d.Typed = map[string]url.Values{}
	}
	answers, facts, typed = write(d.Answers), write(d.Facts), write(d.Typed)
	if err != nil {
		return "", "", "", fmt.Errorf("forms: %w", err)
	}
	return answers, facts, typed, nil
}

// findDraft reads an open draft of an account; another's is not found.
func findDraft(tx *tenancy.Tx, account, id uuid.UUID, lock bool) (Draft, error) {
	query := "select " + draftColumns + " from drafts where id = $1 and account_id = $2 and submitted_at is null"
	if lock {
		query += " for update"
	}
	d, err := scanDraft(tx.QueryRow(query, id, account).Scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, ErrNoDraft
	}
	if err != nil {
		return d, fmt.Errorf("forms: %w", err)
	}
	return d, nil
}

// readDraft is findDraft together with other reads; nothing is found where findDraft
// finds nothing.
func readDraft(r *tenancy.Reads, account, id uuid.UUID, into *[]Draft) {
	tenancy.Collect(r, into, scannedDraft, "select "+draftColumns+" from drafts where id = $1 and account_id = $2 and submitted_at is null", id, account)
}

func scannedDraft(row pgx.CollectableRow) (Draft, error) { return scanDraft(row.Scan) }

// openDraft reads the account's open draft of a service, if there is one.
func openDraft(tx *tenancy.Tx, account uuid.UUID, service string) (Draft, bool, error) {
	d, err := scanDraft(tx.QueryRow("select "+draftColumns+" from drafts where account_id = $1 and service_id = $2 and submitted_at is null", account, service).Scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("forms: %w", err)
	}
	k, err := tx.Keys()
	if err != nil {
		return d, false, fmt.Errorf("forms: %w", err)
	}
	return d, true, d.unseal(k)
}

// Begun is an open draft as lists show it.
type Begun struct {
	ID        uuid.UUID
	ServiceID string
	ExpiresAt time.Time
}

// ReadDrafts reads the open drafts of an account, the last touched first,
// together with other things.
func (m *Module) ReadDrafts(r *tenancy.Reads, account uuid.UUID, into *[]Begun) {
	tenancy.Collect(r, into, pgx.RowToStructByPos[Begun], `select id, service_id, expires_at from drafts
		where account_id = $1 and submitted_at is null order by updated_at desc limit 100`, account)
}

// expired are open drafts whose time is over.
func expired(tx *tenancy.Tx, now time.Time) ([]Draft, error) {
	return queryDrafts(tx, "expires_at < $1 order by expires_at limit 500", now)
}

func queryDrafts(tx *tenancy.Tx, where string, arg any) ([]Draft, error) {
	rows, err := tx.Query("select "+draftColumns+" from drafts where submitted_at is null and "+where, arg)
	if err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	defer rows.Close()
	var out []Draft
	for rows.Next() {
		d, err := scanDraft(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("forms: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func deleteDraft(tx *tenancy.Tx, id uuid.UUID) error {
	if _, err := tx.Exec("delete from drafts where id = $1", id); err != nil {
		return fmt.Errorf("forms: %w", err)
	}
	return nil
}

// Submitted says that a draft has become a case: its files are the case's from
// now on. ErrNoDraft when it was submitted before or does not exist.
func (m *Module) Submitted(tx *tenancy.Tx, draft, caseID uuid.UUID) error {
	n, err := tx.Exec("update drafts set submitted_at = $2, answers = '{}', facts = '{}', typed = '{}' where id = $1 and submitted_at is null", draft, m.Clock.Now())
	if err != nil {
		return fmt.Errorf("forms: %w", err)
	}
	if n == 0 {
		return ErrNoDraft
	}
	tx.Queue("update uploads set case_id = $2, draft_id = null where draft_id = $1", draft, caseID)
	return nil
}
