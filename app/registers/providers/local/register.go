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

const personColumns = `first_name, last_name, sex, born, civil_status, nationality, origin, permit, status, street, postcode, town,
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
	var status string
	var born, recorded time.Time
	var arrived, movedIn, departed *time.Time
	where, args, err := byNumber(tx, avs)
	if err != nil {
		return p, "", err
	}
	err = tx.QueryRow("select "+personColumns+" from residents where "+where, args...).Scan(
		&p.FirstName, &p.LastName, &p.Sex, &born, &p.CivilStatus, &p.Nationality, &p.Origin, &p.Permit, &status,
		&p.Street, &p.Postcode, &p.Town, &p.Quarter, &p.EGID, &p.EWID, &arrived, &movedIn, &departed, &p.CameFrom,
		&p.Protected, &p.Blocked, &household, &recorded)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, "", registers.ErrNotFound
	}
	if err != nil {
		return p, "", err
	}
	p.AVS, p.Status = avs, registers.Status(status)
	p.Born, p.RecordedAt = iso(&born), iso(&recorded)
	p.Arrived, p.MovedIn, p.Departed = iso(arrived), iso(movedIn), iso(departed)
	return p, household, nil
}

func members(tx *tenancy.Tx, household string, but swiss.AVS) ([]registers.Member, error) {
	columns := "'', avs, null::bytea"
	if tx.Tenant().Sealed() {
		columns = "id::text, avs, avs_sealed"
	}
	k, err := tx.Keys()
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select `+columns+`, first_name, last_name, born, relation, nationality from residents
		where household = $1 and status <> 'departed' order by born, first_name, last_name`, household)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []registers.Member
	for rows.Next() {
		var m registers.Member
		var id string
		var number *string
		var sealed []byte
		var born time.Time
		if err := rows.Scan(&id, &number, &sealed, &m.FirstName, &m.LastName, &born, &m.Relation, &m.Nationality); err != nil {
			return nil, err
		}
		if m.AVS, err = openNumber(k, id, number, sealed); err != nil {
			return nil, err
		}
		if m.Born = iso(&born); m.AVS != but {
			out = append(out, m)
		}
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
