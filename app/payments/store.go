package payments

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/money"
)

const alive = "state in ('starting', 'open', 'processing')"

func find(tx *tenancy.Tx, lock bool, where string, args ...any) (Payment, error) {
	q := tx.DB().Where(where, args...)
	if lock {
		q = q.Clauses(clause.Locking{Strength: "UPDATE"})
	}
	var p Payment
	err := q.Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return p, errNotFound
	}
	return p, err
}

func byID(tx *tenancy.Tx, id uuid.UUID, lock bool) (Payment, error) {
	return find(tx, lock, "id = ?", id)
}

// serialise makes changes for one case and purpose wait for each other, also
// when they concern different payments.
func serialise(tx *tenancy.Tx, caseID uuid.UUID, purpose string) error {
	_, err := tx.Exec("select pg_advisory_xact_lock(hashtextextended($1, 0))", "payments "+tx.Tenant().Slug()+caseID.String()+purpose)
	return err
}

// insert adds a payment in state starting, numbered after those before it.
func insert(tx *tenancy.Tx, p *Payment) error {
	var attempt int
	if err := tx.QueryRow("select coalesce(max(attempt), 0) + 1 from payments where case_id = $1 and purpose = $2", p.CaseID, p.Purpose).Scan(&attempt); err != nil {
		return err
	}
	p.Attempt = attempt
	return tx.DB().Create(p).Error
}

// claim reserves the right to open the payment at the provider for a while.
// False: somebody else is at it, or it is open already.
func claim(tx *tenancy.Tx, id uuid.UUID, now time.Time) (bool, error) {
	n, err := tx.Exec("update payments set claimed_until = $2 where id = $1 and provider_ref = '' and state = 'starting' and claimed_until < $3",
		id, now.Add(claimTime), now)
	return n == 1, err
}

// release gives a claim back before its time.
func release(tx *tenancy.Tx, id uuid.UUID) error {
	_, err := tx.Exec("update payments set claimed_until = '-infinity' where id = $1 and provider_ref = '' and state = 'starting'", id)
	return err
}

// setRef notes the provider's transaction; false when one was noted before.
func setRef(tx *tenancy.Tx, id uuid.UUID, ref string) (bool, error) {
	n, err := tx.Exec("update payments set provider_ref = $2, state = case when state = 'starting' then 'open' else state end where id = $1 and provider_ref = ''", id, ref)
	return n == 1, err
}

func save(tx *tenancy.Tx, p Payment) error {
	_, err := tx.Exec(`update payments set state = $2, provider_ref = $3, provider_state = $4, method = $5, checked_at = $6, closed_at = $7, refund_ref = $8 where id = $1`,
		p.ID, string(p.State), p.ProviderRef, p.ProviderState, p.Method, p.CheckedAt, p.ClosedAt, p.RefundRef)
	return err
}

// The accounts of the ledger: what lies at the provider, what was earned, what
// is owed to somebody who paid twice.
const (
	atProvider = "provider"
	fees       = "fees"
	owed       = "owed"
)

// post writes one posting: debit and credit of the same amount. The unique key
// of the table refuses the same posting a second time.
func post(tx *tenancy.Tx, payment uuid.UUID, kind, debit, credit string, amount money.CHF, at time.Time) error {
	n, err := tx.Exec(`insert into ledger_entries (payment_id, kind, account, amount, at) values ($1, $2, $3, $5, $6), ($1, $2, $4, -$5::bigint, $6)`,
		payment, kind, debit, credit, int64(amount), at)
	if err != nil {
		return fmt.Errorf("payments: ledger: %w", err)
	}
	if n != 2 {
		return fmt.Errorf("payments: ledger: %d entries written", n)
	}
	return nil
}

// due lists payments to compare with the provider: young ones every minute,
// older ones every quarter of an hour.
func due(tx *tenancy.Tx, now time.Time, limit int) ([]uuid.UUID, error) {
	rows, err := tx.Query(`select id from payments where `+alive+` and checked_at < case when created_at > $1 then $2::timestamptz else $3::timestamptz end
		order by checked_at limit $4`, now.Add(-time.Hour), now.Add(-time.Minute), now.Add(-15*time.Minute), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []uuid.UUID
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

func logDelivery(tx *tenancy.Tx, at time.Time, provider string, n Notice, outcome string) error {
	_, err := tx.Exec("insert into webhook_deliveries (at, provider, event, ref, claimed, outcome) values ($1, $2, $3, $4, $5, $6)",
		at, provider, n.Event, n.Ref, n.State, outcome)
	return err
}
