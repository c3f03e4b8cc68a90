package figures

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/cases"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// window is how far back the figures look.
const window = 90 * 24 * time.Hour

// nightHour is the hour after which a night's figures are due, in Zurich.
const nightHour = 2

// Engines is what figures ask of the catalogue: a commune's calendar.
type Engines interface {
	Engine(calendar string) (*rules.Engine, error)
}

// Module reckons and keeps the figures of all communes.
type Module struct {
	db      *tenancy.DB
	clock   clock.Clock
	engines Engines
	kept    *tenancy.Cached[map[string]catalogue.Figure]
}

// New makes the module.
func New(db *tenancy.DB, c clock.Clock, engines Engines) *Module {
	return &Module{db: db, clock: c, engines: engines, kept: tenancy.NewCached(db, catalogue.FiguresTopic, load)}
}

// Mount adds no page: the figures stand on the cards of the catalogue.
func (m *Module) Mount(*web.Router) {}

// Jobs registers the night's work. It looks every hour, so that figures which a
// night missed come with the next start.
func (m *Module) Jobs(reg *outbox.Registry) {
	reg.Every("figures.reckon", time.Hour, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.Nightly(ctx, t) })
}

// Of is how each service of a commune did, from memory.
func (m *Module) Of(ctx context.Context, t tenancy.Tenant) (map[string]catalogue.Figure, error) {
	return m.kept.Get(ctx, t)
}

func load(tx *tenancy.Tx) (map[string]catalogue.Figure, error) {
	rows, err := tx.Query("select service_id, asked, answered, median_days, median_hours from service_figures")
	if err != nil {
		return nil, fmt.Errorf("figures: %w", err)
	}
	out := map[string]catalogue.Figure{}
	var id string
	var f catalogue.Figure
	_, err = pgx.ForEachRow(rows, []any{&id, &f.Asked, &f.Answered, &f.Days, &f.Hours}, func() error {
		out[id] = f
		f = catalogue.Figure{}
		return nil
	})
	return out, err
}

// Nightly reckons the figures unless this night's are there.
func (m *Module) Nightly(ctx context.Context, t tenancy.Tenant) error {
	var last *time.Time
	if err := m.db.Read(ctx, t, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select max(reckoned_at) from service_figures").Scan(&last)
	}); err != nil {
		return err
	}
	if last != nil && night(*last) == night(m.clock.Now()) {
		return nil
	}
	return m.Reckon(ctx, t)
}

// night is the day to whose figures a moment belongs.
func night(at time.Time) string {
	return at.In(i18n.Zurich).Add(-nightHour * time.Hour).Format(time.DateOnly)
}

// Reckon counts the last 90 days and keeps what comes out. Doing it again changes
// nothing.
func (m *Module) Reckon(ctx context.Context, t tenancy.Tenant) error {
	return m.db.In(ctx, t, func(tx *tenancy.Tx) error {
		face, err := site.Load(tx)
		if err != nil {
			return err
		}
		engine, err := m.engines.Engine(face.Calendar)
		if err != nil {
			return err
		}
		now := m.clock.Now()
		figures, err := reckon(tx, engine.Calendar(), now.Add(-window))
		if err != nil {
			return err
		}
		if _, err := tx.Exec("delete from service_figures where service_id <> all($1)", slices.AppendSeq([]string{}, maps.Keys(figures))); err != nil {
			return err
		}
		for id, f := range figures {
			tx.Queue(`insert into service_figures (service_id, asked, answered, median_days, median_hours, reckoned_at) values ($1, $2, $3, $4, $5, $6)
				on conflict (service_id) do update set asked = excluded.asked, answered = excluded.answered, median_days = excluded.median_days,
					median_hours = excluded.median_hours, reckoned_at = excluded.reckoned_at`, id, f.Asked, f.Answered, f.Days, f.Hours, now)
		}
		return tx.Bump(catalogue.FiguresTopic)
	})
}

func reckon(tx *tenancy.Tx, cal rules.Calendar, since time.Time) (map[string]catalogue.Figure, error) {
	asked, err := cases.Asked(tx, since)
	if err != nil {
		return nil, err
	}
	turnarounds, err := cases.Turnarounds(tx, since)
	if err != nil {
		return nil, err
	}
	hours, err := cases.MedianHours(tx, since)
	if err != nil {
		return nil, err
	}
	out := map[string]catalogue.Figure{}
	for id, n := range asked {
		out[id] = catalogue.Figure{Asked: n}
	}
	took := map[string][]span{}
	for _, ta := range turnarounds {
		days := rules.WorkingDays(cal, ta.Submitted.AddDate(0, 0, 1), ta.Answered)
		took[ta.Service] = append(took[ta.Service], span{int(days), ta.Cases})
	}
	for id, list := range took {
		f := out[id]
		var days int
		if days, f.Answered = median(list); f.Answered >= catalogue.FiguresLeast {
			h := int(math.Round(hours[id]))
			f.Days, f.Hours = &days, &h
		}
		out[id] = f
	}
	return out, nil
}

// span is how many cases took so many working days.
type span struct{ days, cases int }

// median is the least number of days in which at least half of the cases were
// answered, and how many cases there are.
func median(list []span) (days, all int) {
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a.days, b.days) })
	for _, s := range list {
		all += s.cases
	}
	seen := 0
	for _, s := range list {
		if seen += s.cases; 2*seen >= all {
			return s.days, all
		}
	}
	return 0, all
}
