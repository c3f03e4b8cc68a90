package catalogue

import (
	"context"

	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/contingents"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Remaining is what is left of one pot of a service, for people.
type Remaining struct {
	Label   string
	Left    int64 // places, or centimes of a credit
	Total   int64
	Waiting int64 // requests in the queue
	Money   bool
	Period  string // 2026; "" for good
}

// Left is what is left of the pot a request would draw from: the service's
// numbers less what was given. Enough where nothing is scarce, and where the pot
// depends on an answer that is not there yet. s may be an older version, with
// which the request was begun: places and credit are those of today's.
func (m *Module) Left(ctx context.Context, t tenancy.Tenant, s *Service, in rules.Input) (rules.Left, error) {
	enough := definition.Enough()
	if !s.Scarce() {
		return enough, nil
	}
	in.Left = enough
	pot, _, err := s.Rules.Pot(ctx, in)
	if err != nil {
		return enough, err
	}
	now, err := m.Known(ctx, t, s.ID)
	if err != nil {
		return enough, err
	}
	_, left, known := now.Size(pot.Key)
	if !known {
		return enough, nil
	}
	levels, err := m.levels(ctx, t, s.ID, pot.Period)
	if err != nil {
		return enough, err
	}
	for _, l := range levels {
		if l.Pot.Key != pot.Key {
			continue
		}
		if left -= l.Used; l.Waiting > 0 {
			left = 0 // what is free is for those who wait
		}
	}
	return rules.Left{Places: max(left, 0), Credit: money.CHF(max(left, 0))}, nil
}

// Remaining is what is left of each pot of a service in the present period; nil
// where nothing is scarce.
func (m *Module) Remaining(ctx context.Context, t tenancy.Tenant, s *Service) ([]Remaining, error) {
	if !s.Scarce() {
		return nil, nil
	}
	period := s.Span().Now(m.Clock.Now())
	levels, err := m.levels(ctx, t, s.ID, period)
	if err != nil {
		return nil, err
	}
	var out []Remaining
	for _, pot := range s.PotIDs() {
		total, ours, _ := s.Size(pot)
		r := Remaining{Label: s.PotLabel(pot, i18n.Lang(ctx)), Left: ours, Total: total, Money: s.Budget != nil, Period: period}
		for _, l := range levels {
			if l.Pot.Key == pot {
				r.Left, r.Waiting = max(ours-l.Used, 0), l.Waiting
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func (m *Module) levels(ctx context.Context, t tenancy.Tenant, service, period string) ([]contingents.Level, error) {
	var levels []contingents.Level
	var reads tenancy.Reads
	contingents.ReadLevels(&reads, service, []string{period}, &levels)
	return levels, m.DB.ReadTogether(ctx, t, &reads)
}
