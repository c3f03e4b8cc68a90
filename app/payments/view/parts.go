package view

import (
	"context"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

func failedTitle(ctx context.Context, p FailedPage) string {
	if p.Abandoned {
		return i18n.T(ctx, "payments.abandoned")
	}
	return i18n.T(ctx, "payments.declined")
}
