package catalogue

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Size says how much a new version of a shared service asks of the communes.
type Size string

// The sizes. A small one changes words and examples, nothing that anybody must
// decide about.
const (
	Small Size = "small"
	Large Size = "large"
)

// SharedVersion is one version of a service of the shared catalogue.
type SharedVersion struct {
	Service   string
	Version   int
	Title     string // in Italian
	Why       string
	Size      Size
	OfferedBy string // slug of the commune it came from; "": the entity's
	By        string
	At        time.Time

	tree Tree // nil in lists
}

const sharedColumns = "service_id, version, title, why, size, offered_by, published_by, published_at"

func scanShared(row pgx.CollectableRow) (v SharedVersion, err error) {
	err = row.Scan(&v.Service, &v.Version, &v.Title, &v.Why, &v.Size, &v.OfferedBy, &v.By, &v.At)
	return v, err
}

// latestShared lists the newest version of every shared service, by title, without
// the definitions.
func latestShared(tx *tenancy.PlatformTx) ([]SharedVersion, error) {
	return listShared(tx, `select `+sharedColumns+` from (select distinct on (service_id) * from shared_services order by service_id, version desc) l
		order by title, service_id`)
}

// sharedHistory lists the versions of one service, the newest first, without the
// definitions.
func sharedHistory(tx *tenancy.PlatformTx, id string) ([]SharedVersion, error) {
	return listShared(tx, "select "+sharedColumns+" from shared_services where service_id = $1 order by version desc", id)
}

func listShared(tx *tenancy.PlatformTx, sql string, args ...any) ([]SharedVersion, error) {
	rows, err := tx.Query(sql, args...)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	out, err := pgx.CollectRows(rows, scanShared)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return out, nil
}

// sharedAt reads one version with its definition, the newest where version is 0.
// ErrNotShared when there is none.
func sharedAt(tx *tenancy.PlatformTx, id string, version int) (SharedVersion, error) {
	var v SharedVersion
	var raw string
	err := tx.QueryRow("select "+sharedColumns+", definition from shared_services where service_id = $1 and ($2 = 0 or version = $2) order by version desc limit 1", id, version).
		Scan(&v.Service, &v.Version, &v.Title, &v.Why, &v.Size, &v.OfferedBy, &v.By, &v.At, &raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, ErrNotShared
	}
	if err != nil {
		return v, fmt.Errorf("catalogue: %w", err)
	}
	v.tree, err = overlay.Parse([]byte(raw))
	return v, err
}

// insertShared publishes a version; false when there is such a version already.
func insertShared(tx *tenancy.PlatformTx, v SharedVersion) (bool, error) {
	data, err := v.tree.Canonical()
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`insert into shared_services (`+sharedColumns+`, definition) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
		v.Service, v.Version, v.Title, v.Why, string(v.Size), v.OfferedBy, v.By, v.At, string(data))
	if err != nil {
		return false, fmt.Errorf("catalogue: %w", err)
	}
	return n == 1, nil
}
