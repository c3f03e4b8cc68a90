package cases

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// OfficeOf is the office that works on a case, "" where there is no such case.
func (s *Service) OfficeOf(tx *tenancy.Tx, ref string) (office string, err error) {
	err = tx.QueryRow("select office from cases where ref = $1", ref).Scan(&office)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return office, err
}

// openingsMax is how many readings of one case are told, newest first.
const openingsMax = 200

// Openings tells a person who has opened their case, its files and its papers,
// newest first: officials and guests of the entity, never the person. Errors:
// ErrNotFound for anybody else's case.
func (s *Service) Openings(ctx context.Context, by identity.Actor, ref string) (out []audit.Opening, err error) {
	err = s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		c, err := mine(tx, by, ref, false)
		if err != nil {
			return err
		}
		papers, err := s.Documents.OfCase(tx, c.ID)
		if err != nil {
			return err
		}
		objects := []string{"case:" + c.Ref}
		for _, p := range papers {
			objects = append(objects, "document:"+p.ID.String())
		}
		out, err = audit.Openings(tx, objects, openingsMax)
		return err
	})
	return out, err
}
