package contingents

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// ErrNothingLeft says that a pot is empty and has no queue. Nothing is lost: the
// draft stays.
var ErrNothingLeft = problem.Invalid("contingents.nothing-left", "contingents.error.nothing_left")

// Pot names what is drawn from.
type Pot struct {
	Service string
	Key     string // the part of a quota; empty where it has none
	Period  string // 2026, 2026-12, 2026-12-24; empty: for good
}

// State is how a claim stands.
type State string

// The states.
const (
	Held     State = "held"
	Waiting  State = "waiting"
	Released State = "released"
)

// Claim is what one case holds or waits for.
type Claim struct {
	CaseID  uuid.UUID
	Pot     Pot
	Units   int64 // places, or centimes of a budget
	State   State
	AskedAt time.Time
	HeldAt  *time.Time

	place int64
}

// Level is how full a pot is.
type Level struct {
	Pot     Pot
	Used    int64 // places, or centimes
	Waiting int64 // claims
}

// Take claims units of a pot that holds size for a case: held if they fit and
// nobody waits, waiting if the service queues. ErrNothingLeft otherwise.
func Take(tx *tenancy.Tx, caseID uuid.UUID, pot Pot, units, size int64, queue bool, now time.Time) (Claim, error) {
	level, err := lock(tx, pot)
	if err != nil {
		return Claim{}, err
	}
	claim := Claim{CaseID: caseID, Pot: pot, Units: units, State: Waiting, AskedAt: now}
	switch {
	case level.Waiting == 0 && level.Used+units <= size:
		claim.State, claim.HeldAt = Held, &now
		err = move(tx, pot, units, 0)
	case queue:
		err = move(tx, pot, 0, 1)
	default:
		return Claim{}, ErrNothingLeft
	}
	if err != nil {
		return Claim{}, err
	}
	_, err = tx.Exec(`insert into contingent_claims (case_id, service_id, pot, period, units, state, asked_at, held_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, caseID, pot.Service, pot.Key, pot.Period, units, claim.State, now, claim.HeldAt)
	if err != nil {
		return Claim{}, fmt.Errorf("contingents: %w", err)
	}
	return claim, nil
}

// Release gives back what a case holds or waits for. released is false when
// there is nothing to give back; a second time nothing happens.
func Release(tx *tenancy.Tx, caseID uuid.UUID, now time.Time) (claim Claim, released bool, err error) {
	return change(tx, caseID, func(c *Claim, _ Level) (used, waiting int64, ok bool) {
		switch c.State {
		case Held:
			used = -c.Units
		case Waiting:
			waiting = -1
		default:
			return 0, 0, false
		}
		c.State = Released
		return used, waiting, true
	}, "update contingent_claims set state = 'released', released_at = $2 where case_id = $1", now)
}

// Admit lets a waiting case have its units, if it is the first of its queue and
// they fit into size. admitted is false otherwise.
func Admit(tx *tenancy.Tx, caseID uuid.UUID, size int64, now time.Time) (claim Claim, admitted bool, err error) {
	var failed error
	claim, admitted, err = change(tx, caseID, func(c *Claim, level Level) (used, waiting int64, ok bool) {
		first, _, err := First(tx, c.Pot)
		if failed = err; err != nil || c.State != Waiting || first != caseID || level.Used+c.Units > size {
			return 0, 0, false
		}
		c.State, c.HeldAt = Held, &now
		return c.Units, -1, true
	}, "update contingent_claims set state = 'held', held_at = $2 where case_id = $1", now)
	return claim, admitted, errors.Join(err, failed)
}

// change moves a claim under the lock of its pot.
func change(tx *tenancy.Tx, caseID uuid.UUID, decide func(*Claim, Level) (used, waiting int64, ok bool), update string, now time.Time) (Claim, bool, error) {
	claim, found, err := Of(tx, caseID)
	if err != nil || !found {
		return claim, false, err
	}
	level, err := lock(tx, claim.Pot)
	if err != nil {
		return claim, false, err
	}
	// Read again: it may have moved before the lock was had.
	if claim, _, err = Of(tx, caseID); err != nil {
		return claim, false, err
	}
	used, waiting, ok := decide(&claim, level)
	if !ok {
		return claim, false, nil
	}
	if err := move(tx, claim.Pot, used, waiting); err != nil {
		return claim, false, err
	}
	if _, err := tx.Exec(update, caseID, now); err != nil {
		return claim, false, fmt.Errorf("contingents: %w", err)
	}
	return claim, true, nil
}

// lock makes the pot's row where there is none and keeps others from it until
// the end of the transaction.
func lock(tx *tenancy.Tx, pot Pot) (Level, error) {
	level := Level{Pot: pot}
	tx.Queue("insert into contingent_pots (service_id, pot, period) values ($1, $2, $3) on conflict do nothing", pot.Service, pot.Key, pot.Period)
	err := tx.QueryRow("select used, waiting from contingent_pots where service_id = $1 and pot = $2 and period = $3 for update",
		pot.Service, pot.Key, pot.Period).Scan(&level.Used, &level.Waiting)
	if err != nil {
		return level, fmt.Errorf("contingents: %w", err)
	}
	return level, nil
}

func move(tx *tenancy.Tx, pot Pot, used, waiting int64) error {
	_, err := tx.Exec("update contingent_pots set used = used + $4, waiting = waiting + $5 where service_id = $1 and pot = $2 and period = $3",
		pot.Service, pot.Key, pot.Period, used, waiting)
	if err != nil {
		return fmt.Errorf("contingents: %w", err)
	}
	return nil
}

// Of finds the claim of a case.
func Of(tx *tenancy.Tx, caseID uuid.UUID) (c Claim, found bool, err error) {
	err = tx.QueryRow(`select case_id, service_id, pot, period, units, state, asked_at, held_at, place from contingent_claims where case_id = $1`, caseID).
		Scan(&c.CaseID, &c.Pot.Service, &c.Pot.Key, &c.Pot.Period, &c.Units, &c.State, &c.AskedAt, &c.HeldAt, &c.place)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("contingents: %w", err)
	}
	return c, true, nil
}

// First is the case that waits longest for a pot.
func First(tx *tenancy.Tx, pot Pot) (caseID uuid.UUID, found bool, err error) {
	err = tx.QueryRow(`select case_id from contingent_claims where service_id = $1 and pot = $2 and period = $3 and state = 'waiting'
		order by place limit 1`, pot.Service, pot.Key, pot.Period).Scan(&caseID)
	if errors.Is(err, pgx.ErrNoRows) {
		return caseID, false, nil
	}
	if err != nil {
		return caseID, false, fmt.Errorf("contingents: %w", err)
	}
	return caseID, true, nil
}

// Position is the place of a waiting case in its queue, from 1; 0 when it does
// not wait.
func Position(tx *tenancy.Tx, caseID uuid.UUID) (int64, error) {
	c, found, err := Of(tx, caseID)
	if err != nil || !found || c.State != Waiting {
		return 0, err
	}
	var n int64
	err = tx.QueryRow(`select count(*) from contingent_claims where service_id = $1 and pot = $2 and period = $3 and state = 'waiting' and place <= $4`,
		c.Pot.Service, c.Pot.Key, c.Pot.Period, c.place).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("contingents: %w", err)
	}
	return n, nil
}

// ReadLevels reads the pots of a service in the given periods. A pot that nobody
// has drawn from is not among them.
func ReadLevels(r *tenancy.Reads, service string, periods []string, into *[]Level) {
	tenancy.Collect(r, into, func(row pgx.CollectableRow) (l Level, err error) {
		err = row.Scan(&l.Pot.Service, &l.Pot.Key, &l.Pot.Period, &l.Used, &l.Waiting)
		return l, err
	}, "select service_id, pot, period, used, waiting from contingent_pots where service_id = $1 and period = any($2)", service, periods)
}

// Queues are the pots for which somebody waits, a thousand at most.
func Queues(tx *tenancy.Tx) ([]Level, error) {
	rows, err := tx.Query("select service_id, pot, period, used, waiting from contingent_pots where waiting > 0 order by 1, 2, 3 limit 1000")
	if err != nil {
		return nil, fmt.Errorf("contingents: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Level, err error) {
		err = row.Scan(&l.Pot.Service, &l.Pot.Key, &l.Pot.Period, &l.Used, &l.Waiting)
		return l, err
	})
}
