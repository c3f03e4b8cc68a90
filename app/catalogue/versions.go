package catalogue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// keepVersion notes the definition in force, so that a draft begun with it opens
// with it. One that is known already only learns whether its fee is confirmed.
func keepVersion(tx *tenancy.Tx, r row) error {
	merged := r.merged()
	def, hash, err := definition.Identify(merged)
	if err != nil {
		return fmt.Errorf("service %s: %w", r.ID, err)
	}
	data, err := merged.Canonical()
	if err != nil {
		return err
	}
	tx.Queue(`insert into service_versions (service_id, hash, definition, version, base_version, fee_confirmed, published_by, published_at, why)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (service_id, hash) do update set fee_confirmed = service_versions.fee_confirmed or excluded.fee_confirmed`,
		r.ID, hash, string(data), def.Version, r.BaseVersion, r.FeeConfirmed != "" && r.FeeConfirmed == def.Fee.Hash(), r.UpdatedBy, r.UpdatedAt, r.why)
	return nil
}

// Kept is a version of a service that is still kept.
type Kept struct {
	Hash    string
	Version int
	At      time.Time
	By, Why string
}

// known reads which versions of the commune's services are kept.
func knownVersions(tx *tenancy.Tx) (map[string]bool, error) {
	rows, err := tx.Query("select service_id || ' ' || hash from service_versions")
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	out := make(map[string]bool, len(keys))
	for _, key := range keys {
		out[key] = true
	}
	return out, nil
}

// errNoVersion means that a version is not kept any more.
var errNoVersion = errors.New("catalogue: the version is not kept")

// readVersion compiles a version that is kept. It carries the hash it was kept
// under: a later release may reckon another for the same definition.
func readVersion(tx *tenancy.Tx, engine *rules.Engine, id, hash string) (*Service, error) {
	var raw []byte
	var confirmed bool
	var at time.Time
	err := tx.QueryRow("select definition, fee_confirmed, published_at from service_versions where service_id = $1 and hash = $2", id, hash).Scan(&raw, &confirmed, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoVersion
	}
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	tree, err := overlay.Parse(raw)
	if err != nil {
		return nil, err
	}
	def, err := definition.Decode(tree)
	if err != nil {
		return nil, fmt.Errorf("service %s as of %s: %w", id, hash, err)
	}
	s, err := definition.Compile(def, engine)
	if err != nil {
		return nil, fmt.Errorf("as of %s: %w", hash, err)
	}
	s.Hash, s.FeeConfirmed, s.Tree, s.KeptAt = hash, confirmed, tree, at
	return s, nil
}

// At finds a service as it was when it had a hash, whether it is offered now or
// not; the one in force where the hash is empty. What is not kept any more, or no
// longer compiles, is the one in force. Errors: ErrNotOffered for a service the
// commune never had.
func (m *Module) At(ctx context.Context, t tenancy.Tenant, id, hash string) (*Service, error) {
	now, err := m.Known(ctx, t, id)
	if err != nil || hash == "" || hash == now.Hash {
		return now, err
	}
	key := t.Slug() + " " + id + " " + hash
	if s, ok := m.versions.Get(key); ok {
		if !s.FeeConfirmed && s.Fee.Hash() == now.Fee.Hash() {
			return confirming(now, s), nil
		}
		return s, nil
	}
	var s *Service
	err = m.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		engine, err := m.engineOf(tx)
		if err != nil {
			return err
		}
		s, err = readVersion(tx, engine, id, hash)
		return err
	})
	if errors.Is(err, errNoVersion) {
		return now, nil
	}
	if err != nil {
		return nil, err
	}
	m.versions.Add(key, s)
	return confirming(now, s), nil
}

// confirming is an older version whose fee is the one in force: what was confirmed
// since holds for it as well.
func confirming(s, old *Service) *Service {
	if old.FeeConfirmed || !s.FeeConfirmed || old.Fee.Hash() != s.Fee.Hash() {
		return old
	}
	out := *old
	out.FeeConfirmed = true
	return &out
}

// Keep notes the version a draft is begun with, where it is not noted yet: one that
// a release compiled to another hash than the last.
func (m *Module) Keep(ctx context.Context, tx *tenancy.Tx, id, hash string) error {
	snapshot, err := m.cache.Get(ctx, tx.Tenant())
	if err != nil {
		return err
	}
	s := snapshot.byID[id]
	if s == nil || s.Hash != hash || snapshot.kept[id+" "+hash] {
		return nil
	}
	data, err := s.Tree.Canonical()
	if err != nil {
		return err
	}
	tx.Queue(`insert into service_versions (service_id, hash, definition, version, fee_confirmed, published_at) values ($1, $2, $3, $4, $5, $6)
		on conflict do nothing`, id, hash, string(data), s.Version, s.FeeConfirmed, m.Clock.Now())
	return nil
}

// forgetVersions drops the versions that nobody needs: not in force, and neither an
// open draft nor a case refers to them. It returns how many.
func (m *Module) forgetVersions(ctx context.Context, t tenancy.Tenant) (int64, error) {
	var n int64
	err := m.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		rows, err := allRows(tx)
		if err != nil {
			return err
		}
		inForce := []string{}
		for _, r := range rows {
			_, hash, err := definition.Identify(r.merged())
			if err != nil {
				return fmt.Errorf("service %s: %w", r.ID, err)
			}
			inForce = append(inForce, r.ID+" "+hash)
		}
		// A day's grace: a draft that is being begun now is not there yet.
		n, err = tx.Exec(`delete from service_versions v where not (service_id || ' ' || hash) = any ($1) and published_at < $2
			and exists (select from services s where s.id = v.service_id)
			and not exists (select from drafts d where d.service_id = v.service_id and d.service_hash = v.hash and d.submitted_at is null)
			and not exists (select from cases c where c.definition_hash = v.hash)`, inForce, m.Clock.Now().Add(-24*time.Hour))
		return err
	})
	return n, err
}
