package view

import (
	"context"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// servicesTitle says what the first services of the page are: those asked for
// most is said only where it was counted.
func servicesTitle(ctx context.Context, counted bool) string {
	if counted {
		return i18n.T(ctx, "home.services")
	}
	return i18n.T(ctx, "find.at_once")
}

func popularTitle(ctx context.Context, counted bool) string {
	if counted {
		return i18n.T(ctx, "home.popular")
	}
	return i18n.T(ctx, "find.for_example")
}
