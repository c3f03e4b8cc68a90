package catalogue

import (
	"cmp"
	"context"
	"slices"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// FiguresTopic is bumped when figures were reckoned anew (package figures).
const FiguresTopic = "figures"

// FiguresLeast is how many cases a figure must rest on to be shown: fewer would
// tell how one person's case went.
const FiguresLeast = 5

// Figure is how a service did in the last 90 days.
type Figure struct {
	Asked    int // cases submitted
	Answered int // cases answered
	// Days (working days) and Hours are the median from submission to answer;
	// nil where fewer than FiguresLeast were answered.
	Days, Hours *int
}

// Figures is what the catalogue asks of package figures: how each service did.
// It answers from memory.
type Figures interface {
	Of(ctx context.Context, t tenancy.Tenant) (map[string]Figure, error)
}

func (m *Module) figures(ctx context.Context, t tenancy.Tenant) (map[string]Figure, error) {
	if m.Figures == nil {
		return nil, nil
	}
	return m.Figures.Of(ctx, t)
}

// Often are the services people ask for most, at most n. counted is false where
// too few cases say so: then they are those that answer at once, and the others
// after them.
func (m *Module) Often(ctx context.Context, t tenancy.Tenant, n int) (list []*Service, counted bool, err error) {
	all, err := m.Offered(ctx, t)
	if err != nil {
		return nil, false, err
	}
	figures, err := m.figures(ctx, t)
	if err != nil {
		return nil, false, err
	}
	enough := 0
	for _, s := range all {
		if figures[s.ID].Asked >= FiguresLeast {
			enough++
		}
	}
	list = slices.Clone(all)
	counted = enough >= 3
	slices.SortStableFunc(list, func(a, b *Service) int {
		if counted {
			return cmp.Compare(figures[b.ID].Asked, figures[a.ID].Asked)
		}
		return cmp.Compare(slow(a), slow(b))
	})
	if counted {
		list = list[:min(len(list), enough)]
	}
	return list[:min(len(list), n)], counted, nil
}

func slow(s *Service) int {
	if s.Kind == Smart {
		return 0
	}
	return 1
}
