// Package agreements is what entity and communes have agreed beside the desk:
// joint projects, sub-processors, and the contract by which the entity works on
// a commune's data.
//
// All of it lies in the platform's schema. The entity edits it; a commune reads
// its own part through ofCommune, which takes the commune from its Tenant.
package agreements

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/costs"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Project is work that several communes pay for together.
type Project struct {
	ID                uuid.UUID
	Name, Description string
	State             string // planned, running, done, stopped
	Total             money.CHF
	Share             string // alike or inhabitants
	Slugs             []string
	Milestones        []Milestone
	By                string
	At                time.Time
}

// Milestone is a step of a project.
type Milestone struct {
	Due  string `json:"due"` // 2006-01-02
	Text string `json:"text"`
	Done bool   `json:"done"`
}

// The states of a project, and the ways to share its cost.
var (
	States = []string{"planned", "running", "done", "stopped"}
	Ways   = []string{"alike", "inhabitants"}
)

// Subprocessor is a firm the entity has work done by.
type Subprocessor struct {
	ID                      uuid.UUID
	Name, Service, Location string
	Slugs                   []string // empty: for all communes
	Since                   time.Time
	Ended                   *time.Time
	By                      string
}

// Contract is the contract on a commune's data.
type Contract struct {
	Slug, Number    string
	Signed, ValidTo *time.Time
	Location, DPO   string
	By              string
	At              time.Time
}

// ErrInput says that something is missing; Fields name what.
var ErrInput = problem.Invalid("agreements.input", "agreements.error.input")

// Service owns all of it.
type Service struct {
	DB    *tenancy.DB
	Clock clock.Clock
}

// Shares says what each commune of a project pays; communes is the directory.
func (p Project) Shares(communes []costs.Party) []costs.Share {
	var with []costs.Party
	for _, c := range communes {
		if slices.Contains(p.Slugs, c.Slug) {
			with = append(with, c)
		}
	}
	k := costs.Key{Total: p.Total, Fixed: 1000}
	if p.Share == "inhabitants" {
		k.Fixed, k.Inhabitants = 0, 1000
	}
	return costs.Shares(k, with)
}

// Folder is everything a reader may see.
type Folder struct {
	Projects   []Project
	Processors []Subprocessor
	Contracts  map[string]Contract
	Communes   []costs.Party
}

// All is the entity's view.
func (s *Service) All(ctx context.Context) (f Folder, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		f, err = read(tx, "")
		return err
	})
	return f, err
}

// OfCommune is what concerns the actor's own commune.
func (s *Service) OfCommune(ctx context.Context, by identity.Actor) (f Folder, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		f, err = ofCommune(tx, by.Tenant())
		return err
	})
	return f, err
}

// ofCommune reads what concerns one commune: the commune is its Tenant's.
func ofCommune(tx *tenancy.PlatformTx, t tenancy.Tenant) (Folder, error) { return read(tx, t.Slug()) }

// read reads everything, or what concerns one commune.
func read(tx *tenancy.PlatformTx, slug string) (f Folder, err error) {
	rows, err := tx.Query(`select id, name, description, state, total, share, slugs, milestones::text, updated_by, updated_at from projects
		where $1 = '' or slugs @> array[$1] order by state in ('done', 'stopped'), name limit 500`, slug)
	if err != nil {
		return f, err
	}
	for rows.Next() {
		var p Project
		var steps string
		if err := rows.Scan(&p.ID, &p.Name, &p.Description, &p.State, &p.Total, &p.Share, &p.Slugs, &steps, &p.By, &p.At); err != nil {
			rows.Close()
			return f, err
		}
		if err := json.Unmarshal([]byte(steps), &p.Milestones); err != nil {
			rows.Close()
			return f, err
		}
		f.Projects = append(f.Projects, p)
	}
	if err := rows.Err(); err != nil {
		return f, err
	}
	if rows, err = tx.Query(`select id, name, service, location, slugs, since, ended_on, added_by from subprocessors
		where $1 = '' or slugs = '{}' or slugs @> array[$1] order by ended_on is not null, name limit 500`, slug); err != nil {
		return f, err
	}
	if f.Processors, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Subprocessor]); err != nil {
		return f, err
	}
	if rows, err = tx.Query("select slug, number, signed_on, valid_to, location, dpo, updated_by, updated_at from processor_contracts where $1 = '' or slug = $1", slug); err != nil {
		return f, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Contract])
	if err != nil {
		return f, err
	}
	f.Contracts = map[string]Contract{}
	for _, c := range list {
		f.Contracts[c.Slug] = c
	}
	// Names and inhabitants are public; a share needs those of all that take part.
	if rows, err = tx.Query("select slug, name, inhabitants from communes where state <> 'provisioning' order by name"); err != nil {
		return f, err
	}
	defer rows.Close()
	for rows.Next() {
		var p costs.Party
		if err := rows.Scan(&p.Slug, &p.Name, &p.Inhabitants); err != nil {
			return f, err
		}
		f.Communes = append(f.Communes, p)
	}
	return f, rows.Err()
}

func said(s string, least, most int) bool {
	n := len([]rune(strings.TrimSpace(s)))
	return n >= least && n <= most
}

// SaveProject writes a project: a new one when its id is nil.
func (s *Service) SaveProject(ctx context.Context, by identity.Actor, p Project) (uuid.UUID, error) {
	e := ErrInput
	if !said(p.Name, 3, 120) {
		e = e.WithField("name", "agreements.error.name")
	}
	if p.Total < 0 {
		e = e.WithField("total", "agreements.error.total")
	}
	if !slices.Contains(States, p.State) {
		e = e.WithField("state", "agreements.error.choose")
	}
	if !slices.Contains(Ways, p.Share) {
		e = e.WithField("share", "agreements.error.choose")
	}
	if len(p.Slugs) == 0 {
		e = e.WithField("slugs", "agreements.error.communes")
	}
	if len(e.Fields) > 0 {
		return uuid.Nil, e
	}
	steps, err := json.Marshal(p.Milestones)
	if err != nil {
		return uuid.Nil, err
	}
	fresh := p.ID == uuid.Nil
	if fresh {
		p.ID = uuid.Must(uuid.NewV7())
	}
	return p.ID, s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		query := "update projects set name = $2, description = $3, state = $4, total = $5, share = $6, slugs = $7, milestones = $8, updated_by = $9, updated_at = $10 where id = $1"
		if fresh {
			query = "insert into projects (id, name, description, state, total, share, slugs, milestones, updated_by, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
		}
		n, err := tx.Exec(query, p.ID, strings.TrimSpace(p.Name), strings.TrimSpace(p.Description), p.State, int64(p.Total), p.Share, p.Slugs, string(steps), by.Name(), s.Clock.Now())
		if err != nil {
			return err
		}
		if n == 0 {
			return problem.NotFound("agreements.unknown", "errors.404.text")
		}
		return identity.Note(tx, by, "agreements.project", "project:"+p.ID.String(), map[string]any{"state": p.State, "total": p.Total.Decimal(), "communes": strings.Join(p.Slugs, " ")})
	})
}

// AddProcessor enters a sub-processor.
func (s *Service) AddProcessor(ctx context.Context, by identity.Actor, p Subprocessor) error {
	e := ErrInput
	for name, value := range map[string]string{"name": p.Name, "service": p.Service, "location": p.Location} {
		if !said(value, 2, 200) {
			e = e.WithField(name, "agreements.error."+name)
		}
	}
	if p.Since.IsZero() {
		e = e.WithField("since", "agreements.error.day")
	}
	if len(e.Fields) > 0 {
		return e
	}
	if p.Slugs == nil {
		p.Slugs = []string{}
	}
	p.ID = uuid.Must(uuid.NewV7())
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if _, err := tx.Exec("insert into subprocessors (id, name, service, location, slugs, since, added_by) values ($1, $2, $3, $4, $5, $6, $7)",
			p.ID, strings.TrimSpace(p.Name), strings.TrimSpace(p.Service), strings.TrimSpace(p.Location), p.Slugs, p.Since, by.Name()); err != nil {
			return err
		}
		return identity.Note(tx, by, "agreements.processor-added", "subprocessor:"+p.ID.String(), map[string]any{"name": p.Name, "location": p.Location})
	})
}

// EndProcessor notes that a sub-processor works for the entity no more.
func (s *Service) EndProcessor(ctx context.Context, by identity.Actor, id uuid.UUID) error {
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		n, err := tx.Exec("update subprocessors set ended_on = $2 where id = $1 and ended_on is null", id, s.Clock.Now())
		if err != nil {
			return err
		}
		if n == 0 {
			return problem.NotFound("agreements.unknown", "errors.404.text")
		}
		return identity.Note(tx, by, "agreements.processor-ended", "subprocessor:"+id.String(), nil)
	})
}

// SaveContract writes the contract of a commune of the directory.
func (s *Service) SaveContract(ctx context.Context, by identity.Actor, c Contract) error {
	e := ErrInput
	if !said(c.Number, 1, 60) {
		e = e.WithField("number", "agreements.error.number")
	}
	if c.Signed == nil {
		e = e.WithField("signed", "agreements.error.day")
	}
	if c.ValidTo != nil && c.Signed != nil && c.ValidTo.Before(*c.Signed) {
		e = e.WithField("valid_to", "agreements.error.valid-to")
	}
	if !said(c.Location, 2, 200) {
		e = e.WithField("location", "agreements.error.location")
	}
	if !said(c.DPO, 3, 300) {
		e = e.WithField("dpo", "agreements.error.dpo")
	}
	if len(e.Fields) > 0 {
		return e
	}
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if _, err := tx.Exec(`insert into processor_contracts (slug, number, signed_on, valid_to, location, dpo, updated_by, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict (slug) do update set number = excluded.number, signed_on = excluded.signed_on, valid_to = excluded.valid_to, location = excluded.location,
			dpo = excluded.dpo, updated_by = excluded.updated_by, updated_at = excluded.updated_at`,
			c.Slug, strings.TrimSpace(c.Number), c.Signed, c.ValidTo, strings.TrimSpace(c.Location), strings.TrimSpace(c.DPO), by.Name(), s.Clock.Now()); err != nil {
			return err
		}
		return identity.Note(tx, by, "agreements.contract", "commune:"+c.Slug, map[string]any{"number": c.Number})
	})
}
