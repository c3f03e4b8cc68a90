package catalogue

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// row is a line of the table services.
type row struct {
	ID              string
	Definition      Tree
	Overlay         Tree
	Console         Tree
	Version         int
	Kind            string
	Offered         bool
	Published       bool
	PublishedOrigin string
	FeeConfirmed    string
	FeeConfirmedBy  string
	FeeConfirmedAt  *time.Time
	UpdatedBy       string
	UpdatedAt       time.Time

	// Where it comes from, and what was said to the shared catalogue (adopt.go).
	Origin         string
	BaseVersion    *int
	Folder         Tree // nil: as Overlay
	RefusedVersion int
	RefusedWhy     string
	RefusedBy      string
	RefusedAt      *time.Time

	why string // of the change that is saved, for service_versions
}

const columns = `id, definition, overlay, console, version, kind, offered, published, published_origin,
	fee_confirmed, fee_confirmed_by, fee_confirmed_at, updated_by, updated_at,
	origin, base_version, folder, refused_version, refused_why, refused_by, refused_at`

// folder is the definition as the commune's folder has it.
func (r row) folder() Tree { return Merge(r.Definition, r.Overlay) }

// merged is the definition in force.
func (r row) merged() Tree { return Merge(r.folder(), r.Console) }

func scanRow(scan func(...any) error) (row, error) {
	var r row
	var shared, local, console, folder []byte
	err := scan(&r.ID, &shared, &local, &console, &r.Version, &r.Kind, &r.Offered, &r.Published, &r.PublishedOrigin,
		&r.FeeConfirmed, &r.FeeConfirmedBy, &r.FeeConfirmedAt, &r.UpdatedBy, &r.UpdatedAt,
		&r.Origin, &r.BaseVersion, &folder, &r.RefusedVersion, &r.RefusedWhy, &r.RefusedBy, &r.RefusedAt)
	if err != nil {
		return r, err
	}
	for _, part := range []struct {
		data []byte
		into *Tree
	}{{shared, &r.Definition}, {local, &r.Overlay}, {console, &r.Console}} {
		if *part.into, err = overlay.Parse(part.data); err != nil {
			return r, err
		}
	}
	if folder != nil {
		r.Folder, err = overlay.Parse(folder)
	}
	return r, err
}

// allRows reads every service of the commune, offered or not.
func allRows(tx *tenancy.Tx) ([]row, error) {
	rows, err := tx.Query("select " + columns + " from services order by id")
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		r, err := scanRow(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// lockRow reads one service and keeps others from changing it until the end of
// the transaction. ErrNotOffered when the commune does not offer it.
func lockRow(tx *tenancy.Tx, id string) (row, error) {
	r, err := scanRow(tx.QueryRow("select "+columns+" from services where id = $1 and offered for update", id).Scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, ErrNotOffered
	}
	if err != nil {
		return r, fmt.Errorf("catalogue: %w", err)
	}
	return r, nil
}

func saveRow(tx *tenancy.Tx, r row) error {
	layers := make([]*string, 4)
	for i, tree := range []Tree{r.Definition, r.Overlay, r.Console, r.Folder} {
		if i == 3 && tree == nil {
			continue
		}
		data, err := tree.Canonical()
		if err != nil {
			return err
		}
		text := string(data)
		layers[i] = &text
	}
	if r.Origin == "" {
		r.Origin = originFolder
	}
	_, err := tx.Exec(`insert into services (`+columns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
		on conflict (id) do update set definition = excluded.definition, overlay = excluded.overlay, console = excluded.console,
			version = excluded.version, kind = excluded.kind, offered = excluded.offered, published = excluded.published,
			published_origin = excluded.published_origin, fee_confirmed = excluded.fee_confirmed,
			fee_confirmed_by = excluded.fee_confirmed_by, fee_confirmed_at = excluded.fee_confirmed_at,
			updated_by = excluded.updated_by, updated_at = excluded.updated_at, origin = excluded.origin,
			base_version = excluded.base_version, folder = excluded.folder, refused_version = excluded.refused_version,
			refused_why = excluded.refused_why, refused_by = excluded.refused_by, refused_at = excluded.refused_at`,
		r.ID, layers[0], layers[1], layers[2], r.Version, r.Kind, r.Offered, r.Published, r.PublishedOrigin,
		r.FeeConfirmed, r.FeeConfirmedBy, r.FeeConfirmedAt, r.UpdatedBy, r.UpdatedAt,
		r.Origin, r.BaseVersion, layers[3], r.RefusedVersion, r.RefusedWhy, r.RefusedBy, r.RefusedAt)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	if err := keepVersion(tx, r); err != nil {
		return err
	}
	return tx.Bump(Topic)
}
