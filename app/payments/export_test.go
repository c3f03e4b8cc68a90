package payments

import (
	"context"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// GiveBackNow runs the refund job's work at once.
func (s *Service) GiveBackNow(ctx context.Context, t tenancy.Tenant, id uuid.UUID) error {
	return s.giveBack(ctx, t, id)
}
