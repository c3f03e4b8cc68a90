package catalogue

import (
	"context"
	"slices"
	"time"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Entry is a service as the commune's administrators see it.
type Entry struct {
	*Service
	// Changed are the differences the console made to the folder's definition.
	Changed        []Change
	FeeConfirmedBy string
	FeeConfirmedAt *time.Time
	UpdatedBy      string
	UpdatedAt      time.Time
	// CanPublish is false while the fee waits to be confirmed.
	CanPublish bool
}

// Entries are all services of the commune that its folder offers, published or
// switched off, by theme and title.
func (m *Module) Entries(ctx context.Context, by identity.Actor) ([]Entry, error) {
	var out []Entry
	err := m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		engine, err := m.engineOf(tx)
		if err != nil {
			return err
		}
		rows, err := allRows(tx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if !r.Offered {
				continue
			}
			entry, err := m.entry(engine, r)
			if err != nil {
				return err
			}
			out = append(out, entry)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Entry) int { return definition.ByTheme(a.Service, b.Service) })
	return out, err
}

// Entry is one service of the commune; ErrNotOffered when its folder does not
// offer it.
func (m *Module) Entry(ctx context.Context, by identity.Actor, id string) (Entry, error) {
	var out Entry
	err := m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := lockRow(tx, id)
		if err != nil {
			return err
		}
		engine, err := m.engineOf(tx)
		if err != nil {
			return err
		}
		out, err = m.entry(engine, r)
		return err
	})
	return out, err
}

func (m *Module) entry(engine *rules.Engine, r row) (Entry, error) {
	service, err := compileRow(r, engine)
	if err != nil {
		return Entry{}, err
	}
	return Entry{
		Service: service, Changed: Compare(r.folder(), r.merged()), FeeConfirmedBy: r.FeeConfirmedBy,
		FeeConfirmedAt: r.FeeConfirmedAt, UpdatedBy: r.UpdatedBy, UpdatedAt: r.UpdatedAt,
		CanPublish: m.Demo || !service.DemoFee(),
	}, nil
}

// Switch publishes a service or takes it off the desk. ErrFeeNotConfirmed when
// its fee waits for the commune's confirmation and this is no demonstration.
func (m *Module) Switch(ctx context.Context, by identity.Actor, id string, on bool) error {
	return m.change(ctx, by, id, "switch", func(tx *tenancy.Tx, r *row) (map[string]any, error) {
		service, err := m.compile(tx, *r)
		if err != nil {
			return nil, err
		}
		if on && service.DemoFee() && !m.Demo {
			return nil, ErrFeeNotConfirmed.With("service", service.Title.In("it"))
		}
		r.Published, r.PublishedOrigin = on, "console"
		return map[string]any{"on": on}, nil
	})
}

// ConfirmFee says that the amounts in force are the commune's own.
func (m *Module) ConfirmFee(ctx context.Context, by identity.Actor, id string) error {
	return m.change(ctx, by, id, "confirm-fee", func(tx *tenancy.Tx, r *row) (map[string]any, error) {
		service, err := m.compile(tx, *r)
		if err != nil {
			return nil, err
		}
		m.confirm(r, by, service)
		details := map[string]any{}
		for name, amount := range service.Fee.Amounts {
			details[name] = money.CHF(amount.CHF).String()
		}
		return details, nil
	})
}

func (m *Module) confirm(r *row, by identity.Actor, service *Service) {
	now := m.Clock.Now()
	r.FeeConfirmed, r.FeeConfirmedBy, r.FeeConfirmedAt = service.Fee.Hash(), by.Name(), &now
}

// change is one use case of the console: the row locked, changed, saved, and a
// line in the audit, in one transaction.
func (m *Module) change(ctx context.Context, by identity.Actor, id, what string, do func(*tenancy.Tx, *row) (map[string]any, error)) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := lockRow(tx, id)
		if err != nil {
			return err
		}
		details, err := do(tx, &r)
		if err != nil {
			return err
		}
		r.UpdatedBy, r.UpdatedAt = by.Name(), m.Clock.Now()
		if err := saveRow(tx, r); err != nil {
			return err
		}
		return audit.Record(tx, by, "catalogue."+what, "service:"+id, details)
	})
}

func (m *Module) compile(tx *tenancy.Tx, r row) (*Service, error) {
	engine, err := m.engineOf(tx)
	if err != nil {
		return nil, err
	}
	return compileRow(r, engine)
}

// engineOf is the rule engine with the commune's calendar.
func (m *Module) engineOf(tx *tenancy.Tx) (*rules.Engine, error) {
	face, err := site.Load(tx)
	if err != nil {
		return nil, err
	}
	return m.Engine(face.Calendar)
}
