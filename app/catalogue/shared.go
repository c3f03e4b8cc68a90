package catalogue

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	Withdrawn *Withdrawal // nil: it is offered

	tree Tree // nil in lists
}

const sharedColumns = "service_id, version, title, why, size, offered_by, published_by, published_at"

// sharedRows are the columns above and what was said when a version was withdrawn.
const sharedRows = "select " + sharedColumns + `, coalesce(w.because, ''), coalesce(w.withdrawn_by, ''), w.withdrawn_at
	from shared_services left join (select service_id, version, why as because, withdrawn_by, withdrawn_at from shared_withdrawals) w using (service_id, version)`

// scanShared reads the columns of sharedRows, and more after them.
func scanShared(scan func(...any) error, more ...any) (v SharedVersion, err error) {
	var w Withdrawal
	var at *time.Time
	err = scan(append([]any{&v.Service, &v.Version, &v.Title, &v.Why, &v.Size, &v.OfferedBy, &v.By, &v.At, &w.Why, &w.By, &at}, more...)...)
	if at != nil {
		w.At, v.Withdrawn = *at, &w
	}
	return v, err
}

// latestShared lists the newest version of every shared service, by title, without
// the definitions: the newest that is offered, or else the newest of all.
func latestShared(tx *tenancy.PlatformTx) ([]SharedVersion, error) {
	out, err := listShared(tx, strings.Replace(sharedRows, "select ", "select distinct on (service_id) ", 1)+" order by service_id, w.withdrawn_at is not null, version desc")
	slices.SortFunc(out, func(a, b SharedVersion) int {
		return cmp.Or(strings.Compare(a.Title, b.Title), strings.Compare(a.Service, b.Service))
	})
	return out, err
}

// sharedHistory lists the versions of one service, the newest first, without the
// definitions.
func sharedHistory(tx *tenancy.PlatformTx, id string) ([]SharedVersion, error) {
	return listShared(tx, sharedRows+" where service_id = $1 order by version desc", id)
}

func listShared(tx *tenancy.PlatformTx, sql string, args ...any) ([]SharedVersion, error) {
	rows, err := tx.Query(sql, args...)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (SharedVersion, error) { return scanShared(row.Scan) })
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return out, nil
}

// sharedAt reads one version with its definition; where version is 0 the newest that
// is offered. ErrNotShared when there is none.
func sharedAt(tx *tenancy.PlatformTx, id string, version int) (SharedVersion, error) {
	var raw string
	v, err := scanShared(tx.QueryRow(strings.Replace(sharedRows, "\n\tfrom", ", definition\n\tfrom", 1)+`
		where service_id = $1 and ($2 = 0 and w.withdrawn_at is null or version = $2) order by version desc limit 1`, id, version).Scan, &raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return SharedVersion{}, ErrNotShared
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
