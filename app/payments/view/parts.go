package view

import (
	"context"
	"slices"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

func failedTitle(ctx context.Context, p FailedPage) string {
	if p.Abandoned {
		return i18n.T(ctx, "payments.abandoned")
	}
	return i18n.T(ctx, "payments.declined")
}

// receipts reports whether any payment has a receipt: without one there is no
// column for them.
func (p ListPage) receipts() bool {
	return slices.ContainsFunc(p.Payments, func(x Payment) bool { return x.Receipt != nil })
}
