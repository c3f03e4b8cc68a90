package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// Register answers from the table residents of each commune.
type Register struct{ DB *tenancy.DB }

const personColumns = `avs, first_name, last_name, sex, born, civil_status, nationality, origin, permit, status, street, postcode, town,
	quarter, egid, ewid, arrived, moved_in, departed, came_from, protected, blocked, household, recorded_at`

// Person finds a resident by AVS number, with the others of the household.
func (r Register) Person(ctx context.Context, tenant tenancy.Tenant, avs swiss.AVS) (registers.Person, error) {
	var p registers.Person
	err := r.DB.Read(ctx, tenant, func(tx *tenancy.Tx) error {
		var household string
		var err error
		if p, household, err = read(tx, avs); err != nil || household == "" {
			return err
		}
		p.Household, err = members(tx, household, avs)
		return err
	})
	switch {
	case errors.Is(err, registers.ErrNotFound):
		return registers.Person{}, err
	case err != nil:
		return registers.Person{}, fmt.Errorf("%w: %w", registers.ErrUnavailable, err)
	}
	return p, nil
}

func read(tx *tenancy.Tx, avs swiss.AVS) (p registers.Person, household string, err error) {
	var number, status string
	var born, recorded time.Time
	var arrived, movedIn, departed *time.Time
	err = tx.QueryRow("select "+personColumns+" from residents where avs = $1", string(avs)).Scan(
		&number, &p.FirstName, &p.LastName, &p.Sex, &born, &p.CivilStatus, &p.Nationality, &p.Origin, &p.Permit, &status,
		&p.Street, &p.Postcode, &p.Town, &p.Quarter, &p.EGID, &p.EWID, &arrived, &movedIn, &departed, &p.CameFrom,
		&p.Protected, &p.Blocked, &household, &recorded)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, "", registers.ErrNotFound
	}
	if err != nil {
		return p, "", err
	}
	p.AVS, p.Status = swiss.AVS(number), registers.Status(status)
	p.Born, p.RecordedAt = iso(&born), iso(&recorded)
	p.Arrived, p.MovedIn, p.Departed = iso(arrived), iso(movedIn), iso(departed)
	return p, household, nil
}

func members(tx *tenancy.Tx, household string, but swiss.AVS) ([]registers.Member, error) {
	rows, err := tx.Query(`select avs, first_name, last_name, born, relation, nationality from residents
		where household = $1 and avs <> $2 and status <> 'departed' order by born, avs`, household, string(but))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []registers.Member
	for rows.Next() {
		var m registers.Member
		var number string
		var born time.Time
		if err := rows.Scan(&number, &m.FirstName, &m.LastName, &born, &m.Relation, &m.Nationality); err != nil {
			return nil, err
		}
		m.AVS, m.Born = swiss.AVS(number), iso(&born)
		out = append(out, m)
	}
	return out, rows.Err()
}

// iso writes a day of the database; "" for none.
func iso(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}
