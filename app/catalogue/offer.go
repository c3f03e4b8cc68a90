package catalogue

import (
	"context"

	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
)

// Offer is a service as package forms needs it to have it filled in.
func (m *Module) Offer(ctx context.Context, t tenancy.Tenant, id string) (*forms.Offer, error) {
	s, err := m.Service(ctx, t, id)
	if err != nil {
		return nil, err
	}
	if !s.Paused.Empty() {
		return nil, ErrPaused.With("why", s.Paused.In("it"))
	}
	return m.offer(t, s), nil
}

// OfferAt is the service as it was when it had a hash, with the version offered now
// beside it where that is another. Errors: ErrNotOffered when the service is not
// offered now.
func (m *Module) OfferAt(ctx context.Context, t tenancy.Tenant, id, hash string) (*forms.Offer, error) {
	now, err := m.Service(ctx, t, id)
	if err != nil {
		return nil, err
	}
	s, err := m.At(ctx, t, id, hash)
	if err != nil {
		return nil, err
	}
	out := m.offer(t, s)
	if s.Hash != now.Hash {
		out.Newer = &forms.Newer{
			Offer: m.offer(t, now), Required: now.Retire && s.Version < now.Version,
			Changes: func(ctx context.Context) []ui.ChangeGroup {
				return Changes(ctx, s.Tree, now.Tree, PartForm, PartFee, PartTerms)
			},
		}
	}
	return out, nil
}

func (m *Module) offer(t tenancy.Tenant, s *Service) *forms.Offer {
	out := s.Offer()
	out.Left = func(ctx context.Context, in rules.Input) (rules.Left, error) { return m.Left(ctx, t, s, in) }
	return out
}
